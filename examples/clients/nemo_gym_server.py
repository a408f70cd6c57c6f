"""A resources server for NeMo Gym: `POST /seed_session` begins a rollout, and `POST /verify` with its response gives its reward.

A rollout is verified alone, so that a pairwise judge needs something to compare it with: `reference` of the row, else the server's own
(`gram serve --reference TEXT`). Run it as `python nemo_gym_server.py PORT`.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gram_cohorts import cohort_scores


def verify(body):
    """Adds the reward to a request to verify, as NeMo Gym reads it back."""
    given = body["responses_create_params"]["input"]
    prompt = [{"role": "user", "content": given}] if isinstance(given, str) else [
        {"role": turn["role"], "content": text_of(turn["content"])} for turn in given
    ]
    messages = [item for item in body["response"]["output"] if item.get("type") == "message"]
    response = text_of(messages[-1]["content"])
    [score] = cohort_scores(prompt, [response], body.get("reference"))
    if score is None:
        raise TimeoutError("the score was not known in time; raise GRAM_DEADLINE_MS")
    return {**body, "reward": score}


def text_of(content):
    """Returns the text of a message: a text, or parts with texts."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if "text" in part)


def seed_session(body):
    """Begins a rollout, of which a judge remembers nothing."""
    return {}


ENDPOINTS = {"/seed_session": seed_session, "/verify": verify}


class Handler(BaseHTTPRequestHandler):
    """Answers the two calls of an agent; a judge that fails is an error of the server, and never a reward of 0."""

    def do_POST(self):
        if self.path not in ENDPOINTS:
            self.send_error(404)
            return
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(ENDPOINTS[self.path](body)).encode()
        except (KeyError, IndexError, ValueError) as error:
            self.send_error(422, type(error).__name__)
            return
        except OSError as error:
            self.send_error(502, type(error).__name__)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        """Says nothing of each request."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
