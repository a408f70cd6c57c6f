"""Asks `gram serve` for the scores of all responses to a prompt. Python 3.9 and nothing else."""

import json
import os
import urllib.request

URL = os.environ.get("GRAM_URL", "http://127.0.0.1:8000")
DEADLINE_MS = int(os.environ.get("GRAM_DEADLINE_MS", "60000"))


def cohort_scores(prompt, responses, reference=None):
    """Returns one score for each response; None where the judge did not know one in time.

    :param prompt: a text, or a list of messages with `role` and `content`
    :param responses: texts, or lists of messages; at least two, unless there is a reference
    """
    body = {"prompt": prompt, "responses": responses}
    if reference is not None:
        body["reference"] = reference
    headers = {"Content-Type": "application/json", "Gram-Deadline-Ms": str(DEADLINE_MS)}
    key = os.environ.get("GRAM_API_KEY")
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{URL}/v1/cohorts", json.dumps(body).encode(), headers)
    # The server answers in time with what it has; a second more is for the way.
    with urllib.request.urlopen(request, timeout=DEADLINE_MS / 1000 + 1) as answer:
        scores = json.load(answer)["scores"]
    if len(scores) != len(responses):
        raise ValueError(f"there are {len(scores)} scores for {len(responses)} responses")
    return scores


def scores_by_prompt(prompts, responses, references=None):
    """Returns the scores of responses whose prompts repeat: those to one prompt are one cohort, in one request."""
    cohorts = {}
    for place, prompt in enumerate(prompts):
        reference = None if references is None else references[place]
        key = json.dumps([prompt, reference], sort_keys=True)
        cohorts.setdefault(key, []).append(place)
    scores = [None] * len(responses)
    for places in cohorts.values():
        first = places[0]
        reference = None if references is None else references[first]
        known = cohort_scores(prompts[first], [responses[place] for place in places], reference)
        for place, score in zip(places, known):
            scores[place] = score
    return scores
