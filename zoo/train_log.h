// train_log: the figures of a training run for people and for machines.
#pragma once

#include <string>
#include <vector>

#include "zoo/checkpoint.h"

namespace octet::zoo {

// The last epoch of `epochs` as a line for people, without its end.
std::string epoch_line(const std::vector<EpochFigures>& history, int64_t epochs);

// One line an epoch: epoch,lr,train_loss,train_accuracy,test_accuracy,seconds.
std::string to_csv(const std::vector<EpochFigures>& history);

// {"command": ..., "epochs": [{...}, ...]}
std::string to_json(const std::string& command, const std::vector<EpochFigures>& history);

// Loss and accuracies over epochs as an SVG picture.
std::string to_svg(const std::string& title, const std::vector<EpochFigures>& history);

}  // namespace octet::zoo
