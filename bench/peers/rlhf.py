"""
The Python side of the RLHF benchmark: TRL on PyTorch, CPU, in float32.

    python rlhf.py grpo|ppo TASK.json THREADS

The settings are those of our side: one gradient step over all responses of a step, in micro-batches of the same size, against
a frozen reference, with activations kept. A score head over the same weights gives the rewards. No token ends a response, so that
each has its full length. The first step is not measured. PPO needs TRL 1.12.0, the last release with a PPOTrainer. Prints one JSON
line; `unavailable` where this TRL has no such trainer.
"""

import json
import sys
import tempfile
import time

import torch
import transformers
from datasets import Dataset
from llama import keep_memory, peak_memory, versions
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)

method, task_path, threads = sys.argv[1:]
keep_memory()
torch.set_num_threads(int(threads))
transformers.logging.set_verbosity_error()
task = json.load(open(task_path))
tokenizer = AutoTokenizer.from_pretrained(task["model"], padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
seconds = dict(rollout=0.0, scoring=0.0, total=0.0, processor=0.0)
since = (0.0, 0.0)


def clocks():
    return time.perf_counter(), time.process_time()


def timed(part, function, counts=lambda *_: True):
    """The same function; its time counts as that of a part of the step."""

    def run(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        if counts(*args):
            seconds[part] += time.perf_counter() - start
        return result

    return run


class Clock(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        global since
        now, processor = clocks()
        seconds["total"] += now - since[0]
        seconds["processor"] += processor - since[1]
        if state.global_step == 1:
            for part in seconds:
                seconds[part] = 0.0
        since = clocks()


def language_model():
    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32)
    model.generation_config.eos_token_id = None
    return model


def scorer():
    model = AutoModelForSequenceClassification.from_pretrained(
        task["scorer"], num_labels=1, dtype=torch.float32
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    return model


responses, micro = task["responses"], task["microBatchSize"]
common = dict(
    output_dir=tempfile.mkdtemp(),
    per_device_train_batch_size=micro,
    gradient_accumulation_steps=responses // micro,
    learning_rate=1e-6,
    gradient_checkpointing=False,
    use_cpu=True,
    bf16=False,
    report_to="none",
    save_strategy="no",
    logging_strategy="no",
    disable_tqdm=True,
    seed=1,
)


def grpo():
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        **common,
        max_steps=1 + task["steps"],
        num_generations=task["groupSize"],
        max_completion_length=task["tokens"],
        generation_kwargs=dict(min_new_tokens=task["tokens"]),
        beta=0.05,
    )
    data = Dataset.from_list(
        [dict(prompt=[dict(role="user", content=text)]) for text in task["prompts"]]
    )
    trainer = GRPOTrainer(
        model=language_model(),
        reward_funcs=scorer(),
        args=config,
        train_dataset=data,
        processing_class=tokenizer,
        reward_processing_classes=tokenizer,
        callbacks=[Clock()],
    )
    trainer._generate = timed("rollout", trainer._generate)
    trainer._calculate_rewards = timed("scoring", trainer._calculate_rewards)
    return trainer


def ppo():
    from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

    config = PPOConfig(
        **common,
        total_episodes=responses * (1 + task["steps"]),
        num_ppo_epochs=1,
        num_mini_batches=1,
        local_rollout_forward_batch_size=micro,
        response_length=task["tokens"],
        num_sample_generations=0,
    )

    def encoded(text):
        turns = [dict(role="user", content=text)]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)
        return dict(input_ids=ids["input_ids"])

    reward_model = scorer()
    ppo_trainer.batch_generation = timed("rollout", ppo_trainer.batch_generation)
    ppo_trainer.get_reward = timed(
        "scoring", ppo_trainer.get_reward, lambda model, *_: model is reward_model
    )
    return PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=language_model(),
        ref_model=language_model(),
        reward_model=reward_model,
        value_model=scorer(),
        train_dataset=Dataset.from_list([encoded(text) for text in task["prompts"]]),
        callbacks=[Clock()],
    )


try:
    trainer = dict(grpo=grpo, ppo=ppo)[method]()
except ImportError as problem:
    print(json.dumps(dict(unavailable=str(problem))))
    sys.exit(0)
since = clocks()
# Trainers print their progress; the last line of the output is ours.
trainer.train()
learning = seconds["total"] - seconds["rollout"] - seconds["scoring"]
drawn = responses * task["steps"]
print()
print(
    json.dumps(
        dict(
            rollout=seconds["rollout"],
            scoring=seconds["scoring"],
            learning=learning,
            processor=seconds["processor"],
            responses=drawn,
            tokens=drawn * task["tokens"],
            peakMemory=peak_memory(),
            version=versions("trl"),
        )
    )
)
