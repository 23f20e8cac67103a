"""Why a node failed, and whether another attempt could help."""


class AgentError(Exception):
    """An agent could not do its work.

    Attributes:
        retryable: Another attempt may succeed (a timeout, a 503); otherwise the error is final.
        retry_after_seconds: How long the other side asked to wait; None when it did not say.
        remedy: What a person can do about it, in one sentence; empty when nothing is known.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
        remedy: str = "",
    ) -> None:
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.remedy = remedy
        super().__init__(f"{message} {remedy}".strip())
