"""OpenAPI documents: their operations, and calls of them by an api node."""

from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml

from agents.errors import AgentError
from agents.openapi import operation_of, operations_of
from agents.openapi_documents import read_document
from agents.openapi_schemas import OpenApiError
from tests.agents.conftest import Run
from tests.agents.website import Asked, Reply, Site, json_reply

pytestmark = pytest.mark.requirement("FR-3.8", "FR-3.10")

PETS: dict[str, Any] = yaml.safe_load(
    """
openapi: 3.0.3
info: {title: Pet Store, version: 1.0.0}
servers:
- url: https://{region}.example.com/{base}
  variables: {region: {default: eu, enum: [eu, us]}, base: {default: v3}}
security: [{key: []}]
paths:
  /pets:
    get:
      operationId: listPets
      summary: Lists pets.
      parameters:
      - {name: limit, in: query, schema: {type: integer, maximum: 100, default: 20}}
      - {name: 'filter[name]', in: query, schema: {type: string}}
      - {name: tags, in: query, style: form, explode: false, schema: {type: array, items: {type: string}}}
      - {name: X-Trace-ID, in: header, schema: {type: string}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Pets'}}}}
    post:
      operationId: addPet
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
      responses:
        201: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
  /pets/{petId}:
    parameters:
    - $ref: '#/components/parameters/PetId'
    get:
      operationId: getPetById
      security: []
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}
    delete:
      security: [{login: []}]
      responses: {'204': {description: Gone}}
  /pets/{petId}/photo:
    post:
      operationId: addPhoto
      security: [{tokens: [write]}]
      parameters: [{$ref: '#/components/parameters/PetId'}]
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [photo]
              properties: {photo: {type: string, format: binary}, caption: {type: string}}
      responses: {'200': {description: Done}}
  /search:
    post:
      operationId: search
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [q], properties: {q: {type: string}}}
      responses: {default: {content: {application/json: {schema: {type: array}}}}}
components:
  parameters:
    PetId: {name: petId, in: path, required: true, schema: {type: integer}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    login: {type: http, scheme: basic}
    tokens:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: /token, scopes: {write: Writes}}}
  schemas:
    Named: {type: object, required: [name], properties: {name: {type: string, minLength: 1}}}
    Pet:
      allOf:
      - $ref: '#/components/schemas/Named'
      - type: object
        required: [id]
        properties:
          id: {type: integer, readOnly: true}
          owner: {$ref: '#/components/schemas/Owner'}
          age: {type: integer, nullable: true, minimum: 0, exclusiveMinimum: true}
    Owner:
      type: object
      properties:
        name: {type: string}
        pets: {type: array, items: {$ref: '#/components/schemas/Pet'}}
    Pets: {type: object, properties: {items: {type: array}, next: {type: string}}}
"""  # noqa: E501
)


def dumped(value: Any) -> bytes:
    """Return a document as JSON; YAML may have read statuses as numbers."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def changed(**parts: Any) -> dict[str, Any]:
    """Return the document with other parts."""
    return {**PETS, **parts}


def test_every_operation_is_read() -> None:
    """Names, methods, addresses and effects come from the document."""
    found = {o.name: (o.method, o.url, o.side_effect) for o in operations_of(PETS)}
    base = "https://eu.example.com/v3"
    assert found == {
        "pet_store_list_pets": ("GET", f"{base}/pets", "reads"),
        "pet_store_add_pet": ("POST", f"{base}/pets", "writes"),
        "pet_store_get_pet_by_id": ("GET", f"{base}/pets/{{petId}}", "reads"),
        "pet_store_delete_pets_pet_id": ("DELETE", f"{base}/pets/{{petId}}", "writes"),
        "pet_store_add_photo": ("POST", f"{base}/pets/{{petId}}/photo", "writes"),
        "pet_store_search": ("POST", f"{base}/search", "writes"),
    }


def test_parameters_have_names_that_references_can_say() -> None:
    """A parameter whose name is no word gets one, and the request keeps the document's."""
    operation = operation_of(PETS, "listPets")
    assert operation.names == {"filter[name]": "filter_name_", "X-Trace-ID": "X_Trace_ID"}
    assert operation.request["params"]["filter[name]"] == "{filter_name_}"
    assert operation.request["headers"] == {"X-Trace-ID": "{X_Trace_ID}", "X-Key": "{api_key}"}
    assert operation.separators["tags"] == ","
    assert operation.parameters["properties"]["limit"]["default"] == 20
    assert operation.output == {"items": "{body.items}", "next": "{body.next}"}


def test_body_of_several_schemas_is_flat() -> None:
    """What `allOf` joins are parameters; what the service gives by itself is not asked for."""
    operation = operation_of(PETS, "addPet")
    schema = operation.parameters
    assert set(schema["properties"]) == {"name", "owner", "age", "api_key"}
    assert schema["required"] == ["name", "api_key"]
    assert operation.request["body"]["age"] == "{age}"
    validator = jsonschema_rs.validator_for(schema)
    deep = {"name": "Rex", "api_key": "k", "owner": {"pets": [{"name": "Fido", "id": 1}]}}
    assert validator.is_valid({**deep, "age": None})
    assert not validator.is_valid({**deep, "age": 0})
    assert not validator.is_valid({**deep, "owner": {"pets": [{"name": ""}]}})
    assert not validator.is_valid({**deep, "more": 1})


def test_security_becomes_secrets() -> None:
    """Each scheme gives secrets with usual names, and what the api agent logs in with."""
    assert operation_of(PETS, "listPets").secrets == ("api_key",)
    about = operation_of(PETS, "listPets").parameters["properties"]["api_key"]
    assert about["x-secret"] == "pet_store_key"
    assert operation_of(PETS, "getPetById").secrets == ()
    basic = operation_of(PETS, "DELETE /pets/{petId}")
    assert basic.request["auth"]["type"] == "basic"
    assert operation_of(PETS, "addPhoto").request["auth"] == {
        "type": "oauth2",
        "token_url": "https://eu.example.com/token",
        "client_id": "{client_id}",
        "client_secret": "{client_secret}",
        "scope": "write",
    }


def test_forms_and_files_are_told_apart() -> None:
    """A form's fields and a part that is a file have templates of their own."""
    assert operation_of(PETS, "search").request["form"] == {"q": "{q}"}
    photo = operation_of(PETS, "addPhoto")
    assert photo.request["multipart"] == {"photo": "{photo}", "caption": "{caption}"}
    assert photo.parameters["properties"]["photo"]["required"] == ["filename"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"swagger": "2.0", "paths": {}}, "no OpenAPI 3.0 or 3.1"),
        (changed(servers=[{"url": "/v3"}]), "no address"),
        (changed(servers=[{"url": "https://{x}.example.com"}]), "has no default"),
        (changed(paths={"/a/{b}": {"get": {}}}), "parameter b is not described"),
        (changed(paths={"/a/{{b}": {"get": {}}}), "braces do not fit"),
        (
            changed(paths={"/a": {"$ref": "https://evil.example/x.json"}}),
            "leads out of the document",
        ),
        (changed(paths={"/a": {"$ref": "#/paths/~1a"}}), "leads in a circle"),
        (
            changed(paths={"/a": {"get": {"parameters": [{"$ref": "#/no"}]}}}),
            "names nothing in the document",
        ),
    ],
)
def test_what_cannot_be_used_is_told(document: dict[str, Any], words: str) -> None:
    """Each refusal says what and where."""
    with pytest.raises(OpenApiError, match=words):
        operations_of(document)


def test_chain_of_references_may_be_long() -> None:
    """A thousand schemas, each with the next one in it, need no deeper stack."""
    schemas: dict[str, Any] = {"S1000": {"type": "string"}}
    for number in range(1000):
        below = {"$ref": f"#/components/schemas/S{number + 1}"}
        schemas[f"S{number}"] = {"type": "object", "properties": {"below": below}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    paths = {"/a": {"post": {"requestBody": body}}}
    [operation] = operations_of(changed(paths=paths, components={"schemas": schemas}))
    assert len(operation.parameters["$defs"]) == 1000


class TestReading:
    """Texts of documents."""

    def test_json_and_yaml_are_read(self) -> None:
        """Both give the same document."""
        assert read_document(dumped({"openapi": "3.1.0"})) == {"openapi": "3.1.0"}
        assert read_document("openapi: 3.1.0") == {"openapi": "3.1.0"}

    @pytest.mark.requirement("NFR-4.5")
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[" * 200_000, "more than 100 levels"),
            ("a: &a [*a]", "holds itself"),
            (
                "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
                + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)),
                "more than 3000000 values",
            ),
            ("!!python/object/apply:os.system [id]", "no JSON or YAML"),
            ("- 1", "no object"),
            (b"x" * (17 * 1024 * 1024), "more than 16777216 bytes"),
        ],
        ids=["deep", "circle", "laughs", "objects", "list", "long"],
    )
    def test_hostile_texts_are_refused(self, text: str | bytes, words: str) -> None:
        """Depth, circles, aliases, objects and length are bounded."""
        with pytest.raises(OpenApiError, match=words):
            read_document(text)


class TestCalls:
    """An api node with `openapi`, `operation` and `arguments`."""

    async def test_operation_is_called(self, run: Run, site: Site) -> None:
        """Arguments go to their places, under the document's names or ours."""
        site.replies["/v3/pets"] = json_reply({"items": [1]})
        arguments = {
            "filter[name]": "Rex",
            "X_Trace_ID": "t",
            "tags": ["a", "b"],
            "api_key": "k",
        }
        result = await run(
            "api",
            {
                "openapi": dumped(PETS).decode(),
                "operation": "listPets",
                "arguments": arguments,
                "server_url": site.url("/v3"),
            },
        )
        assert result.output["body"] == {"items": [1]}
        [asked] = site.asked
        assert asked.path == "/v3/pets?limit=20&filter%5Bname%5D=Rex&tags=a%2Cb"
        assert (asked.headers["x-trace-id"], asked.headers["x-key"]) == ("t", "k")

    async def test_document_is_fetched_once(self, run: Run, site: Site) -> None:
        """A document by URL is read once, and its relative server is where it is."""
        document = dumped(changed(servers=[{"url": "v3"}]))
        site.replies["/api/openapi.json"] = Reply(document)
        site.replies["/api/v3/pets"] = lambda asked: json_reply(asked.json, 201)
        parameters = {
            "openapi": site.url("/api/openapi.json"),
            "operation": "addPet",
            "arguments": {"name": "Rex"},
            "auth": {"type": "bearer", "token": "own"},
        }
        for _ in range(2):
            output = (await run("api", parameters)).output
        assert output["body"] == {"name": "Rex"}
        assert site.paths() == ["/api/openapi.json", "/api/v3/pets", "/api/v3/pets"]
        assert site.asked[1].headers["authorization"] == "Bearer own"

    async def test_document_behind_the_nodes_login(self, run: Run, site: Site) -> None:
        """A document beside its API is asked for with the node's login, and kept for that alone."""
        seen: list[str] = []

        def document(asked: Asked) -> Reply:
            seen.append(asked.headers.get("authorization", ""))
            good = seen[-1] in ("Bearer own", "Bearer other")
            return Reply(dumped(changed(servers=[{"url": "/v3"}]))) if good else Reply(status=401)

        site.replies["/openapi.json"] = document
        site.replies["/v3/pets"] = json_reply({})
        parameters = {"openapi": site.url("/openapi.json"), "operation": "listPets"}
        for token in ("own", "own", "other"):
            await run("api", {**parameters, "auth": {"type": "bearer", "token": token}})
        assert seen == ["Bearer own", "Bearer other"]
        with pytest.raises(AgentError, match=r"answers 401. Give `document_auth`"):
            await run("api", parameters)

    async def test_document_elsewhere_has_its_own_login(
        self, run: Run, site: Site, inner: Site
    ) -> None:
        """What logs in to the API is not sent to where the document is."""
        key = {"type": "api_key", "key": "d", "name": "key", "location": "query"}
        inner.replies["/openapi.json?key=d"] = Reply(dumped(PETS))
        inner.replies["/openapi.json"] = Reply(status=401)
        site.replies["/pets"] = json_reply({})
        parameters = {
            "openapi": inner.url("/openapi.json"), "operation": "listPets",
            "server_url": site.url(), "auth": {"type": "bearer", "token": "own"},
        }  # fmt: skip
        with pytest.raises(AgentError, match="answers 401"):
            await run("api", parameters)
        await run("api", {**parameters, "document_auth": key})
        assert all("authorization" not in asked.headers for asked in inner.asked)
        assert site.asked[0].headers["authorization"] == "Bearer own"
        assert "key" not in site.paths()[0]

    async def test_document_behind_client_credentials(self, run: Run, site: Site) -> None:
        """A token is asked for, and the document is asked for with it."""
        site.replies["/token"] = json_reply({"access_token": "t", "expires_in": 600})
        site.replies["/openapi.json"] = Reply(dumped(changed(servers=[{"url": "/"}])))
        site.replies["/pets"] = json_reply({})
        auth = {"type": "oauth2", "token_url": site.url("/token"), "client_id": "i",
                "client_secret": "s"}  # fmt: skip
        parameters = {"openapi": site.url("/openapi.json"), "operation": "listPets"}
        await run("api", {**parameters, "document_auth": auth})
        assert site.asked[1].headers["authorization"] == "Bearer t"
        assert "authorization" not in site.asked[2].headers

    async def test_bytes_of_an_operation_are_a_file(self, run: Run, site: Site) -> None:
        """A body that is neither JSON nor text is sent as a file's bytes."""
        document = orjson.loads(dumped(PETS))
        document["paths"]["/pets"]["post"]["requestBody"] = {
            "required": True, "content": {"image/png": {"schema": {"format": "binary"}}}
        }  # fmt: skip
        site.replies["/pets"] = json_reply({}, 201)
        file = {"filename": "a.png", "size_bytes": 2, "base64": "AAE="}
        parameters = {"openapi": document, "operation": "addPet", "server_url": site.url()}
        await run("api", {**parameters, "arguments": {"body": file}})
        assert site.asked[0].body == b"\x00\x01"
        assert site.asked[0].headers["content-type"] == "image/png"

    async def test_value_stays_in_its_segment(self, run: Run, site: Site) -> None:
        """A path's value cannot lead to another path."""
        document = orjson.loads(dumped(PETS))
        document["components"]["parameters"]["PetId"]["schema"] = {"type": "string"}
        site.replies["/pets/..%2Fadmin%3Fx"] = json_reply({})
        parameters = {"openapi": document, "operation": "getPetById", "server_url": site.url()}
        await run("api", {**parameters, "arguments": {"petId": "../admin?x"}})
        assert site.paths() == ["/pets/..%2Fadmin%3Fx"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"arguments": {"limit": 101}}, "arguments.limit: 101 is greater than"),
            ({"arguments": {"limits": 1}}, "limits"),
            ({"operation": "listPet"}, "no operation listPet. There is: listPets"),
            ({"server_url": None}, "which the node does not name. Add `server_url"),
        ],
    )
    async def test_wrong_calls_send_nothing(
        self, run: Run, site: Site, change: dict[str, Any], words: str
    ) -> None:
        """What does not fit the document is a final error before anything is sent."""
        parameters = {"openapi": PETS, "operation": "listPets", "server_url": site.url()}
        with pytest.raises(AgentError, match=words) as caught:
            await run("api", {**parameters, **change})
        assert not caught.value.retryable
        assert site.asked == []

    @pytest.mark.requirement("NFR-4.5")
    async def test_document_cannot_choose_the_host(self, run: Run, site: Site, inner: Site) -> None:
        """A document that names another server than its own is not followed."""
        document = dumped(changed(servers=[{"url": inner.url()}]))
        site.replies["/openapi.json"] = Reply(document)
        parameters = {"openapi": site.url("/openapi.json"), "operation": "listPets"}
        with pytest.raises(AgentError, match="which the node does not name"):
            await run("api", parameters)
        assert inner.asked == []

    async def test_login_with_the_documents_tokens(self, run: Run, site: Site) -> None:
        """Client credentials among the arguments get a token of the same host."""

        def token(asked: Asked) -> Reply:
            return json_reply({"access_token": "t" if b"scope=write" in asked.body else "none"})

        site.replies["/token"] = token
        site.replies["/pets/1/photo"] = json_reply({})
        file = {"filename": "a.png", "base64": "AAE="}
        arguments = {"petId": 1, "photo": file, "client_id": "i", "client_secret": "s"}
        parameters = {"openapi": PETS, "operation": "addPhoto", "server_url": site.url()}
        await run("api", {**parameters, "arguments": arguments})
        assert site.paths() == ["/token", "/pets/1/photo"]
        assert site.asked[1].headers["authorization"] == "Bearer t"
        assert b"\x00\x01" in site.asked[1].body
