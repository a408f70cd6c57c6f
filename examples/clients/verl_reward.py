"""A batched reward function for verl.

    reward_model.reward_manager=batch
    custom_reward_function.path=verl_reward.py custom_reward_function.name=compute_score

`extra_info` of each row must have the `prompt`, a text or messages: verl does not hand it over. `ground_truth` may be the response
to compare with.
"""

from gram_cohorts import scores_by_prompt


def compute_score(data_sources, solution_strs, ground_truths, extra_infos):
    """Returns a score for each solution. verl has no reward that is missing, so a late one ends the step instead of being 0."""
    prompts = [info["prompt"] for info in extra_infos]
    references = ground_truths if all(isinstance(truth, str) and truth for truth in ground_truths) else None
    scores = scores_by_prompt(prompts, list(solution_strs), references)
    late = sum(score is None for score in scores)
    if late > 0:
        raise TimeoutError(f"{late} of {len(scores)} scores were not known in time; raise GRAM_DEADLINE_MS")
    return scores
