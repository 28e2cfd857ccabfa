#define BOOST_TEST_MODULE qconfig
#include "quant/qconfig.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"
#include "quant/observers/histogram.h"
#include "quant/observers/min_max.h"

namespace octet::quant {
namespace {

// A qconfig that can be told from others: the range of its activations ends there.
QConfig marked(int32_t quant_max) {
  const ObserverOptions options = {.range = {0, quant_max}};
  return {with_args<MinMaxObserver>(options), with_args<MinMaxObserver>(ObserverOptions::weight())};
}

// The mark of the qconfig that is found; 0: stays float.
int32_t mark_of(const QConfigMapping& mapping, const std::string& op, const std::string& path) {
  const std::optional<QConfig> qconfig = mapping.find(op, path);
  return qconfig ? qconfig->activation()->empty_qparams().quant_max : 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(x86_backends_quantize_weights_per_channel_and_activations_to_8_bits) {
  for (const char* backend : {"x86", "fbgemm", "onednn"}) {
    const QConfig qconfig = get_default_qconfig(backend);
    const auto activation = qconfig.activation(), weight = qconfig.weight();
    BOOST_TEST(dynamic_cast<HistogramObserver*>(activation.get()) != nullptr);
    BOOST_CHECK((activation->empty_qparams() == QParams{1.0f, 0, 0, 255}));
    BOOST_CHECK(weight->ch_axis() == 0);
    BOOST_CHECK((weight->empty_qparams() == QParams{1.0f, 0, -127, 127}));
  }
}

BOOST_AUTO_TEST_CASE(qnnpack_quantizes_weights_per_tensor) {
  const QConfig qconfig = get_default_qconfig("qnnpack");
  const auto activation = qconfig.activation(), weight = qconfig.weight();
  BOOST_TEST(dynamic_cast<HistogramObserver*>(activation.get()) != nullptr);
  BOOST_TEST(!weight->ch_axis().has_value());
  BOOST_CHECK((weight->empty_qparams() == QParams{1.0f, 0, -127, 127}));
}

BOOST_AUTO_TEST_CASE(another_backend_is_refused_with_the_names_there_are) {
  BOOST_TEST(golden::message_of([] { get_default_qconfig("tpu"); }) ==
             "qconfig: no backend \"tpu\"; there are x86, fbgemm, onednn and qnnpack");
}

BOOST_AUTO_TEST_CASE(a_factory_makes_a_new_observer_each_time) {
  const QConfig qconfig = get_default_qconfig("x86");
  const auto first = qconfig.activation(), second = qconfig.activation();
  first->observe(Tensor::from({1}, {1}));
  BOOST_TEST(second->never_observed());
}

BOOST_AUTO_TEST_CASE(an_empty_mapping_leaves_everything_float) {
  BOOST_TEST(mark_of(QConfigMapping(), "conv2d", "features.0") == 0);
  BOOST_TEST(mark_of(get_default_qconfig_mapping("x86"), "conv2d", "features.0") == 255);
}

BOOST_AUTO_TEST_CASE(the_most_specific_setting_wins_in_whatever_order_they_are_made) {
  QConfigMapping mapping;
  mapping.set_module_name("features.1.conv", marked(4))
      .set_module_name("features.1", marked(3))
      .set_object_type("conv2d", marked(2))
      .set_global(marked(1));
  BOOST_TEST(mark_of(mapping, "linear", "classifier") == 1);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.0") == 2);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.1") == 3);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.1.bn") == 3);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.1.conv.2") == 4);
  // A path is a prefix of whole names, not of letters.
  BOOST_TEST(mark_of(mapping, "linear", "features.10") == 1);
  mapping.set_module_name("features.1", marked(5));
  BOOST_TEST(mark_of(mapping, "conv2d", "features.1.bn") == 5);
}

BOOST_AUTO_TEST_CASE(a_repeated_layer_is_found_under_its_module) {
  QConfigMapping mapping = get_default_qconfig_mapping("x86");
  mapping.set_module_name("fc", marked(3));
  BOOST_TEST(mark_of(mapping, "linear", "fc#1") == 3);
}

BOOST_AUTO_TEST_CASE(null_keeps_a_layer_float) {
  QConfigMapping mapping = get_default_qconfig_mapping("x86");
  mapping.set_object_type("linear", std::nullopt).set_module_name("features.0", std::nullopt);
  BOOST_TEST(mark_of(mapping, "linear", "classifier") == 0);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.0.conv") == 0);
  BOOST_TEST(mark_of(mapping, "conv2d", "features.1") == 255);
}

}  // namespace octet::quant
