// Files that a program's user names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace octet::zoo {

// `bazel run` starts programs in a folder of its own and passes the user's in
// BUILD_WORKING_DIRECTORY: relative paths are taken from there. Empty stays empty.
std::string user_path(const std::string& path);

// Throws octet::Error when something is there that is no regular file, which need not have an end:
// a pipe, a device. What is missing may have another message.
void check_regular_file(const std::string& path);

// Throws octet::Error when a file of that path could not be written: found out before the work is
// done whose result it is to hold. Leaves no trace.
void check_writable(const std::string& path);

// Whether both name one file, by whatever way; it need not exist. Nothing has no name.
bool is_same_file(const std::string& a, const std::string& b);

// Throws octet::Error when the file `output` would replace one of `inputs`, which are read: files,
// or folders of which any file may be read.
void check_not_read(const std::string& output, const std::vector<std::string>& inputs);

// The names in a folder, sorted. Throws octet::Error when it can't be read.
std::vector<std::string> list_folder(const std::string& folder);

// By replace_file (base/replace_file.h): the target is the old file or the whole new one. Throws
// octet::Error.
void write_file(const std::string& path, std::string_view text);

}  // namespace octet::zoo
