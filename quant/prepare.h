// prepare: a float model becomes one that learns its activation ranges and can be converted.
//
//   auto prepared = quant::prepare(model, example, quant::get_default_qconfig_mapping("x86"));
//   for (const Tensor& batch : calibration) (*prepared)(batch);   // observers see every activation
//   engine::Program int8 = quant::convert(*prepared).program;     // convert.h
//
//   auto qat = quant::prepare_qat(model, example, quant::get_default_qat_qconfig_mapping("x86"));
//                                  // or prepare_qat(*prepared, ...): a trained model's
//   {
//     const Recording recording;   // in each step of training
//     backward(nn::cross_entropy((*qat)(images), labels));
//   }
//   qat->disable_observer();       // after some epochs
//   qat->freeze_bn_stats();
//
// What torch.ao.quantization.quantize_fx.prepare_fx does, on the traced graph: fusion groups are
// found (nn/graph.h), every value that will be quantized gets an observer. QuantStub/DeQuantStub
// bound the quantized region when the model has them; without them it is everything between input
// and output. A module that the mapping gives no qconfig stays float, and so does what can't be
// quantized. Of an embedding the table alone becomes s8, with a scale per row whatever its qconfig
// says (PyTorch: float_qparams_weight_only_qconfig); a layer behind it quantizes what it reads.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/module.h"
#include "quant/channel_rms.h"
#include "quant/observers/observer.h"
#include "quant/qconfig.h"

namespace octet::quant {

enum class Mode {
  observe,   // float, and observers see every value
  off,       // float
  simulate,  // the integers of the converted model, by the scalar specification of each instruction
  qat,       // quantization-aware training (qat_forward.h); in eval mode the integers of the
             // converted model, by its kernels
};

class PreparedModel : public nn::Module {
 public:
  // x: f32 or s64, any batch. Returns f32 in every mode.
  Tensor forward(const Tensor& x) override { return forward_all({&x, 1}); }
  // Those of the model, one or several; training takes one.
  std::vector<std::string> input_names() const override;
  Tensor forward_all(std::span<const Tensor> inputs) override;

  void set_mode(Mode mode) { mode_ = mode; }
  Mode mode() const { return mode_; }

  // The integers (u8) that every quantized value of the graph takes for x, by the scalar
  // specification, layer by layer: {name of the value, elements}. The same names as the values of
  // the converted program.
  std::vector<std::pair<std::string, Tensor>> simulate_values(std::span<const Tensor> inputs);
  std::vector<std::pair<std::string, Tensor>> simulate_values(const Tensor& x) {
    return simulate_values({&x, 1});
  }

  const nn::Graph& graph() const { return graph_; }
  const nn::GroupedGraph& groups() const { return groups_; }
  // Whether that group becomes an integer instruction.
  bool is_quantized(size_t group) const {
    return group_qconfig_[group] && why_float_[group].empty();
  }
  // Keeps a layer that was prepared to be quantized in float, or takes that back; layers behind it
  // that keep qparams (pooling) follow. What observers and equalization have found stays valid.
  // why: for the report (why_float).
  // Throws octet::Error for a group that gets no qparams of its own (QuantRole::observed), and in
  // training.
  void keep_float(size_t group, bool on = true, const std::string& why = "kept in float");
  const std::optional<QConfig>& qconfig(size_t group) const { return group_qconfig_[group]; }
  // Whether of that group the weights alone become integers.
  bool is_weight_only(size_t group) const { return weight_only_[group]; }
  // Why a group stays float; empty when it doesn't.
  const std::string& why_float(size_t group) const { return why_float_[group]; }
  // The observer of a graph value, or null.
  const Observer* observer(int value) const { return observers_[value].get(); }
  Observer* observer(int value) { return observers_[value].get(); }
  // What the observer of a value says. Values that nobody reads but a concatenation (nn/cat.h), as
  // they are or behind layers that keep qparams, share its result's, so that what is put together
  // need not be rounded again. In training that covers the ranges of all of them: the result's
  // observer sees what their quantization has clipped.
  QParams qparams(int value) const;
  // The value whose qparams the value has; itself when it shares none.
  int qparams_owner(int value) const;
  // The observer of a layer's folded weight while it is trained, or null.
  const Observer* weight_observer(size_t group) const { return weight_observers_[group].get(); }
  Observer* weight_observer(size_t group) { return weight_observers_[group].get(); }

  // Scales that training learns (observers/learnable_scale.h), for the optimizer:
  // "PATH.weight_scale" and "PATH.output_scale", which are no parameters' names. Of outputs only
  // where layers with weights make them. Empty for other qconfigs.
  std::vector<std::pair<std::string, Tensor>> named_scales() const;

  // Whether training moves the observers: on at first. torch.ao.quantization.disable_observer.
  void enable_observer(bool on = true) { observer_enabled_ = on; }
  void disable_observer() { enable_observer(false); }
  bool observer_enabled() const { return observer_enabled_; }
  // Whether batch norms use their running statistics, and keep them, in training too; off at first.
  // Weight and bias of a batch norm are trained still. torch.nn.intrinsic.qat.freeze_bn_stats.
  void freeze_bn_stats(bool on = true) { bn_frozen_ = on; }
  bool bn_frozen() const { return bn_frozen_; }

  // Of the outputs of a layer with weights or an addition, over all data observed.
  const ChannelRms& channel_rms(size_t group) const { return channel_rms_[group]; }

  // Factors by which the channels of values are multiplied (equalize.h): f32 [c] by graph value,
  // undefined for none. Forgets what was observed.
  void set_channel_scales(std::vector<Tensor> scales);
  // Undefined for none.
  const Tensor& channel_scales(int value) const { return channel_scales_[value]; }
  // Writes the factors into the parameters, which are the float model's too: it computes the same
  // afterwards, up to roundings. Those of a value go into weight and bias of its batch norm, or of
  // its layer where that has none, and, inverted, into the weights of the layers that read it;
  // running statistics stay. What was observed stays valid.
  void absorb_channel_scales();

 private:
  friend std::unique_ptr<PreparedModel> prepare(nn::Module&, std::span<const Tensor>,
                                                const QConfigMapping&);
  friend std::unique_ptr<PreparedModel> prepare_qat(nn::Module&, const Tensor&,
                                                    const QConfigMapping&);
  friend std::unique_ptr<PreparedModel> prepare_qat(PreparedModel&, const QConfigMapping&);
  static std::unique_ptr<PreparedModel> attach(nn::Graph graph, const QConfigMapping& mapping);
  void begin_training();
  void attach_observers(const QConfigMapping& mapping);
  void observe_value(int value, const QConfig& qconfig);
  void share_qparams();
  int sole_concatenation(int value) const;

  nn::Graph graph_;
  nn::GroupedGraph groups_;
  std::vector<std::optional<QConfig>> group_qconfig_;  // by group; nullopt: can't be quantized
  std::vector<bool> weight_only_;                      // by group
  std::vector<std::string> why_float_;                 // by group; also of those kept in float
  std::vector<std::unique_ptr<Observer>> observers_;   // by graph value
  std::vector<int> part_of_;  // by graph value: the value that it shares qparams with, or itself
  std::vector<std::unique_ptr<Observer>> weight_observers_;  // by group; for training only
  std::vector<ChannelRms> channel_rms_;                      // by group
  std::vector<Tensor> channel_scales_;                       // by graph value
  Mode mode_ = Mode::observe;
  bool observer_enabled_ = true, bn_frozen_ = false;
  bool trained_ = false;  // by prepare_qat
};

// The model is traced in eval mode with `example` (batch 1) and shares its parameters; it must
// outlive the prepared model.
std::unique_ptr<PreparedModel> prepare(nn::Module& model, const Tensor& example,
                                       const QConfigMapping& mapping);
// The same for a model with several inputs.
std::unique_ptr<PreparedModel> prepare(nn::Module& model, std::span<const Tensor> examples,
                                       const QConfigMapping& mapping);

// The same for training, in Mode::qat: weights are fake quantized too, by the qconfig's weight
// observer, which sees them in every step.
std::unique_ptr<PreparedModel> prepare_qat(nn::Module& model, const Tensor& example,
                                           const QConfigMapping& mapping);
// The same where calibration stopped: of the model that `calibrated` was prepared from. Observers
// begin with the ranges that `calibrated` would be converted with, weights with its channel
// factors, which it absorbs. Before the first step (frozen, or in eval mode) the integers are those
// of convert(calibrated), where both mappings quantize the same layers in as many bits.
std::unique_ptr<PreparedModel> prepare_qat(PreparedModel& calibrated,
                                           const QConfigMapping& mapping);

}  // namespace octet::quant
