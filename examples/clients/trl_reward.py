"""A reward function for the GRPOTrainer and RLOOTrainer of TRL: `reward_funcs=gram_reward`.

A column `reference` of the data set is what responses are compared with; without one they are compared with each other.
"""

from gram_cohorts import scores_by_prompt


def gram_reward(prompts, completions, reference=None, **columns):
    """Prompts and completions are texts, or conversations; TRL leaves a completion whose reward is None out of that reward."""
    return scores_by_prompt(prompts, completions, reference)
