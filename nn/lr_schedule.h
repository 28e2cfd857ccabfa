// LrSchedule: the learning rate over a run, as a function of how far it is.
//
//   const nn::LrSchedule schedule = nn::LrSchedule::cosine(0.1).with_warmup(0.05);
//   optimizer.set_lr(schedule.at(step / steps_in_all));
//
// progress: 0 at the first step, 1 behind the last. A function of it alone, so that a run that goes
// on from a checkpoint needs no state.
#pragma once

#include <vector>

namespace octet::nn {

class LrSchedule {
 public:
  static LrSchedule constant(double lr);
  // lr * gamma^k behind the k-th milestone; torch.optim's MultiStepLR. Milestones rise, in [0, 1].
  static LrSchedule step(double lr, std::vector<double> milestones, double gamma = 0.1);
  // From lr to least along half a cosine: Loshchilov and Hutter, "SGDR", 2017, equation 5.
  static LrSchedule cosine(double lr, double least = 0);

  // The first part of the run, 0 <= fraction < 1, rises in a straight line from 0 to lr; the rest
  // is the schedule, compressed.
  LrSchedule with_warmup(double fraction) const;

  double at(double progress) const;

 private:
  enum class Kind { step, cosine };
  double lr_ = 0, least_ = 0, gamma_ = 1, warmup_ = 0;
  std::vector<double> milestones_;
  Kind kind_ = Kind::step;
};

}  // namespace octet::nn
