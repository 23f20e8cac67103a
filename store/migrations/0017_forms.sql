-- Questions that are answered with a form; its schema stands where others have their options.
ALTER TABLE execution_approvals
    DROP CONSTRAINT execution_approvals_approval_type_check,
    ADD CONSTRAINT execution_approvals_approval_type_check
        CHECK (approval_type IN ('approve_reject', 'text_input', 'multiple_choice', 'form'));

COMMENT ON COLUMN execution_approvals.options IS
    'What can be answered: a list of choices, or the JSON Schema of a form.';
