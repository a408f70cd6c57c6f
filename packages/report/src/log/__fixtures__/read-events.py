"""Prints the scalars of a directory of event files as TensorBoard has them: {tag: [[wall_time, step, value]]}."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0}).Reload()
scalars = {
    tag: [
        [e.wall_time, e.step, e.value if e.value == e.value else "nan"]
        for e in events.Scalars(tag)
    ]
    for tag in events.Tags()["scalars"]
}
json.dump(scalars, sys.stdout)
