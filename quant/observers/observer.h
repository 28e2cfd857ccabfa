// Observer: watches tensors go by and says which scale and zero_point suit them.
//
//   MinMaxObserver observer(ObserverOptions::activation());
//   for (const Tensor& batch : batches) observer.observe(batch);
//   QParams qparams = observer.qparams().front();
//
// One range for the whole tensor, or one per channel. A new observer derives from this class and
// implements update(), which merges the range of a tensor into ranges_.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "quant/observers/range.h"
#include "quant/qparams.h"
#include "tensor/tensor.h"

namespace octet::quant {

struct ObserverOptions {
  DType dtype = DType::u8;  // u8 or s8
  Scheme scheme = Scheme::affine;
  QuantRange range = {0, 255};  // within dtype
  float eps = kDefaultEps;      // least scale

  friend bool operator==(const ObserverOptions&, const ObserverOptions&) = default;

  // What kernels take: u8, 0..255, affine.
  static ObserverOptions activation() { return {}; }
  // s8, -127..127, symmetric: scale = max|w| / 127.
  static ObserverOptions weight() { return {DType::s8, Scheme::symmetric, {-127, 127}}; }
};

class Observer {
 public:
  // Throws octet::Error when the range is empty or does not fit the dtype.
  explicit Observer(const ObserverOptions& options);
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // x: f32, any shape; an empty tensor changes nothing. Throws octet::Error when it holds a NaN or
  // an infinity; then nothing was changed.
  void observe(const Tensor& x);

  // The same for a tensor of which only the ranges are known: one, or one per index of ch_axis().
  // Only where takes_ranges() says so.
  void observe_ranges(std::span<const ValueRange> ranges);
  virtual bool takes_ranges() const { return false; }

  // What was observed: one range, or one per channel; none before the first observation.
  const std::vector<ValueRange>& ranges() const { return ranges_; }
  bool never_observed() const { return ranges_.empty(); }
  virtual void reset() { ranges_.clear(); }

  // The ranges that qparams() covers: ranges(), unless an observer leaves some values out.
  virtual std::vector<ValueRange> quantized_ranges() const { return ranges_; }
  // One per range. Throws octet::Error before the first observation.
  virtual std::vector<QParams> qparams() const;
  // Scales that training learns, f32 [ranges], as a parameter; undefined where they follow from the
  // ranges. Known from the first observation on.
  virtual Tensor learned_scale() const { return {}; }
  // Whether the qparams stay this value's own, where others would share those of the concatenation
  // that alone reads the value (prepare.h).
  virtual bool keeps_own_qparams() const { return learned_scale().defined(); }
  // The integers' range with scale 1: what there is to say before the first observation.
  QParams empty_qparams() const;

  // The dimension that has one range per index; none: one range for all.
  virtual std::optional<int> ch_axis() const { return std::nullopt; }
  const ObserverOptions& options() const { return options_; }

  // Goes on from what another observer of this kind had observed; none: from nothing.
  virtual void restore(std::vector<ValueRange> ranges) { ranges_ = std::move(ranges); }

 protected:
  // x: f32, not empty.
  virtual void update(const Tensor& x) = 0;
  // As many ranges as before, if there were any.
  virtual void update_ranges(std::span<const ValueRange> ranges) { (void)ranges; }
  std::vector<ValueRange> ranges_;

 private:
  ObserverOptions options_;
};

}  // namespace octet::quant
