// A table as plain text: columns padded to their widest cell and two spaces apart, the first
// aligned left, the others right; a rule under the first row.
#pragma once

#include <string>
#include <vector>

namespace octet::zoo {

// Rows may be shorter than the longest. Every line ends with a newline and none with a space.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// With so many digits behind the point: fixed(3.14159, 2) is "3.14".
std::string fixed(double value, int digits);

}  // namespace octet::zoo
