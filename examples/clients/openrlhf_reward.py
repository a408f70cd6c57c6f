"""A reward function for OpenRLHF: `--remote_rm_url openrlhf_reward.py`.

`--remote_rm_url http://HOST:PORT/get_reward` needs no file; this one sends the responses to a prompt together, so that they are
compared with each other, and has a deadline.
"""

import torch

from gram_cohorts import scores_by_prompt


def reward_func(queries, prompts, labels, **kwargs):
    """A query is a prompt with its response behind it; a label may be the response to compare with."""
    responses = [query[len(prompt):] for query, prompt in zip(queries, prompts)]
    references = labels if all(isinstance(label, str) and label for label in labels) else None
    scores = scores_by_prompt(list(prompts), responses, references)
    late = sum(score is None for score in scores)
    if late > 0:
        raise TimeoutError(f"{late} of {len(scores)} scores were not known in time; raise GRAM_DEADLINE_MS")
    rewards = torch.tensor(scores, dtype=torch.float32)
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}
