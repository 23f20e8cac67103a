"""LangGraph in this process with a saver for each connection of the pool; see its neighbour."""

from contextlib import AbstractAsyncContextManager

from benchmarks.peers.langgraph_postgres import open_savers
from benchmarks.peers.load import CONNECTIONS, Execute, main
from benchmarks.peers.works import Work


def open_langgraph(dsn: str, work: Work) -> AbstractAsyncContextManager[Execute]:
    """Compile the work's graph with as many savers as there are connections."""
    return open_savers(dsn, work, CONNECTIONS)


if __name__ == "__main__":
    main("langgraph, 20 savers", open_langgraph)
