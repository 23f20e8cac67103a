"""What a node may say of a call to a REST API."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from agents.agent import Parameters
from agents.files import File
from agents.scope import RARE

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
PageWay = Literal["next_url", "link_header", "cursor", "page", "offset"]
_LONGEST_PERIOD_SECONDS = 86_400


class BearerAuth(Parameters):
    """`Authorization: Bearer …`."""

    type: Literal["bearer"]
    token: str = Field(min_length=1)


class BasicAuth(Parameters):
    """`Authorization: Basic …`."""

    type: Literal["basic"]
    username: str
    password: str = ""


class ApiKeyAuth(Parameters):
    """A key in a header, or in the query."""

    type: Literal["api_key"]
    key: str = Field(min_length=1)
    name: str = Field(default="X-API-Key", min_length=1, description="Header or parameter name.")
    location: Literal["header", "query"] = "header"


class OAuth2Auth(Parameters):
    """A token that is asked for with client credentials (RFC 6749, section 4.4)."""

    type: Literal["oauth2"]
    token_url: str = Field(min_length=1, max_length=8192)
    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1)
    scope: str = Field(default="", description="Scopes with a space between two.")
    audience: str = Field(default="", description="What the token is for, where a server asks.")
    client_authentication: Literal["basic", "body"] = "basic"


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="type")]


class Pagination(Parameters):
    """How the next page of a list is found; the output's list is that of all pages."""

    type: PageWay
    items: str = Field(
        default="", description="Path of the list in the body, such as `data.items`; empty: it all."
    )
    next: str = Field(
        default="", description="next_url, cursor: path of the next page's URL or mark in the body."
    )
    parameter: str = Field(
        default="", description="cursor, page, offset: the parameter that says which page."
    )
    place: Literal["params", "body"] = Field(
        default="params", description="Whether the parameter stands in the query or the body."
    )
    start: int = Field(default=1, ge=0, description="page: the number of the first page.")
    page_size: int | None = Field(
        default=None, ge=1, description="page, offset: a page with fewer elements is the last one."
    )
    max_pages: int = Field(default=10, ge=1, le=1000)
    other_origins: bool = Field(
        default=False,
        description="Whether a page may be elsewhere; it is asked for without authentication then.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type in ("next_url", "cursor") and not self.next:
            raise ValueError(f"`{self.type}` needs `next`, the path of the mark in the body")
        if self.type in ("cursor", "page", "offset") and not self.parameter:
            raise ValueError(f"`{self.type}` needs `parameter`, the parameter's name")
        return self


class RateLimit(Parameters):
    """How often the organization's nodes with the same limit call a host, all together."""

    requests: int = Field(ge=1, le=1_000_000)
    seconds: float = Field(default=1, gt=0, le=_LONGEST_PERIOD_SECONDS)
    burst: int = Field(
        default=1, ge=1, le=1_000_000, description="How many may be made at once; 1: evenly spaced."
    )


class ApiParameters(Parameters):
    """One request to a REST API, or one operation of an OpenAPI document."""

    # What is missing is told as missing, before the rules below speak.
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"not": {"required": ["openapi"]}},
            "then": {"required": ["url"]},
            "else": {"required": ["operation"]},
        }
    )

    url: str = Field(
        default="", max_length=8192, description="The endpoint, http or https; or `openapi`."
    )
    method: Method = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] = Field(
        default_factory=dict, description="Query parameters; a list repeats its parameter."
    )
    body: Any = Field(default=None, description="JSON of any kind, or text that is sent as it is.")
    form: dict[str, Any] | None = Field(
        default=None, description="Fields that are sent as an HTML form, instead of `body`."
    )
    multipart: dict[str, Any] | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="Fields that are sent as multipart/form-data, instead of `body`: texts, files "
        "({filename, content} or {filename, base64}), and lists of them.",
    )
    file: File | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="A file that is sent as it is, instead of `body`: {filename, content} or "
        "{filename, base64}, such as the `body` of a call that answered with one.",
    )
    timeout: float = Field(default=30, gt=0, le=3600, description="Seconds for the whole answer.")
    auth: Auth | None = None
    retry_on: tuple[Annotated[int, Field(ge=0, le=599)], ...] = Field(
        default=(),
        json_schema_extra=RARE,
        description="Statuses after which the node tries again, such as [429, 503]; 0: no answer.",
    )
    pagination: Pagination | None = Field(default=None, json_schema_extra=RARE)
    rate_limit: RateLimit | None = Field(default=None, json_schema_extra=RARE)
    max_response_bytes: int | None = Field(
        default=None,
        ge=1,
        json_schema_extra=RARE,
        description="Bound of the answer, below the installation's.",
    )
    openapi: str | dict[str, Any] | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="An OpenAPI document, its text or its URL, instead of `url`.",
    )
    document_auth: Auth | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="How the OpenAPI document is asked for; as the operation, if both are at the "
        "same place, when left out.",
    )
    operation: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=RARE,
        description="The operationId in the OpenAPI document.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        json_schema_extra=RARE,
        description="The operation's parameters and body fields, by name.",
    )
    server_url: str | None = Field(
        default=None,
        max_length=8192,
        json_schema_extra=RARE,
        description="Where the operation is called; needed unless that is where the document is.",
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if bool(self.url) == (self.openapi is not None):
            raise ValueError("give either `url`, or `openapi` with `operation`")
        if (self.openapi is None) != (self.operation is None):
            raise ValueError("`openapi` and `operation` go together")
        bodies = (self.body, self.form, self.multipart, self.file)
        if sum(value is not None for value in bodies) > 1:
            raise ValueError("give one of `body`, `form`, `multipart` and `file`")
        if self.document_auth is not None and self.openapi is None:
            raise ValueError("`document_auth` is for the document of `openapi`")
        for name, value in (self.multipart or {}).items():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    _check_file(name, part)
        return self


def _check_file(name: str, part: dict[str, Any]) -> None:
    try:
        File.model_validate(part)
    except ValueError as error:
        raise ValueError(
            f"`multipart.{name}` is no file: give {{filename, content}} or {{filename, base64}}"
        ) from error
