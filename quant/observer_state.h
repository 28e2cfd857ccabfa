// observer_state: what the observers of a prepared model have seen, for checkpoints.
#pragma once

#include "quant/prepare.h"
#include "tensor/state_dict.h"

namespace octet::quant {

// "activation.NAME" and "weight.NAME": f32 [ranges, 2], least and greatest value; nothing for an
// observer that has seen nothing. Of observers whose state is their ranges (takes_ranges(), all of
// training's); throws octet::Error for others.
StateDict observer_state(const PreparedModel& prepared);
// Throws octet::Error that names what is not in the model or does not fit; then nothing was
// changed. What the state does not name has seen nothing.
void load_observer_state(PreparedModel& prepared, const StateDict& state);

}  // namespace octet::quant
