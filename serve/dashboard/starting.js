// Creating a workflow and, if it is wanted, starting it at once.

import { createWorkflow, execute } from "./api.js";

// Where to go after starting a new workflow. One that wants another input than was given exists
// all the same: its own page asks for it.
async function start(workflow, input) {
  try {
    return `#/executions/${(await execute(workflow.workflow_id, input)).execution_id}`;
  } catch (problem) {
    if (problem.status !== 422) throw problem;
    return `#/workflows/${workflow.workflow_id}`;
  }
}

// Creates a workflow of a source as the API takes it; shows its page, or the execution that it begins with.
export async function createAndGo(source, { run, input }) {
  const workflow = await createWorkflow(source);
  location.hash = run ? await start(workflow, input) : `#/workflows/${workflow.workflow_id}`;
}
