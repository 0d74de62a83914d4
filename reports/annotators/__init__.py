"""Annotators: how values get to pictures when no person labelled them.

None guesses anybody's gender or race, and none is downloaded. `skin_tone` measures colour in
three coarse bins and says "unclear" when light decides; `zero_shot` asks a model that the
user brings; `external` runs a user's command.
"""
