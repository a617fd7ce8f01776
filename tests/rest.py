"""What tests of the REST API share: a partner who calls, and what a problem looks like."""

import json

from tests.factories import make_key

PROBLEM = "application/problem+json"


class Caller:
    """A partner's program: calls with its key and reads JSON."""

    def __init__(self, client, partner, *scopes):
        self.client, self.partner = client, partner
        _, self.text = make_key(partner, *scopes)

    def __call__(self, method, path, body=None, *, key=None, query=None, **headers):
        said = {"Authorization": f"Bearer {self.text if key is None else key}"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if query is None else {"query_params": query}
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body)
            more |= {"data": raw, "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/v1/{path}", headers=said, **more)

    def get(self, path, **query):
        return self("get", path, query=query)

    def post(self, path, body, **headers):
        return self("post", path, body, **headers)

    def patch(self, path, body, **headers):
        return self("patch", path, body, **headers)


def is_problem(response, status, code):
    """The errors of a problem, as (pointer, detail)."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:rapport:problem:{code}"
    assert body["message"]
    return [(one["pointer"], one["detail"]) for one in body["errors"]]
