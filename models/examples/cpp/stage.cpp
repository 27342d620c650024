// Stage raw samples with onnxruntime's C API, and compare with the golden cases.
//
//   c++ -std=c++17 -O2 -I ORT/include stage.cpp -L ORT/lib -lonnxruntime -Wl,-rpath,ORT/lib -o stage
//   ./stage staging_raw.onnx raw_sensors.json raw_gaps.json raw_watch.json
//
// ORT is an unpacked release of onnxruntime (onnxruntime-linux-x64-*.tgz and the like).

#include <onnxruntime_c_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

const OrtApi* api = OrtGetApiBase()->GetApi(ORT_API_VERSION);

void check(OrtStatus* status) {
  if (status == nullptr) return;
  std::fprintf(stderr, "%s\n", api->GetErrorMessage(status));
  std::exit(1);
}

// What follows a key in a case. The files are written by scripts/make_goldens.py; any JSON library will do as well.
std::size_t after(const std::string& text, const std::string& key) {
  const std::size_t at = text.find("\"" + key + "\":");
  return at == std::string::npos ? at : at + key.size() + 3;
}

std::vector<std::int64_t> whole_numbers(const std::string& text, const std::string& key) {
  std::vector<std::int64_t> values;
  const std::size_t begin = text.find('[', after(text, key));
  const std::size_t end = text.find(']', begin);
  const char* at = text.c_str() + begin + 1;
  while (at < text.c_str() + end) {
    char* next = nullptr;
    const long long value = std::strtoll(at, &next, 10);
    if (next == at) break;
    values.push_back(value);
    at = next + std::strspn(next, ", \n");
  }
  return values;
}

std::vector<float> floats(const std::string& text, const std::string& key, std::size_t size) {
  std::vector<float> values(size, 0.0f);
  const std::size_t begin = after(text, key);
  if (begin == std::string::npos) return values;  // a channel that the case does not have
  const std::size_t quote = text.find('"', text.find("\"base64\":", begin) + 9) + 1;
  std::vector<unsigned char> bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (std::size_t at = quote; text[at] != '"' && text[at] != '='; ++at) {
    const char c = text[at];
    const int six = c >= 'a' ? c - 'a' + 26 : c >= 'A' ? c - 'A' : c >= '0' ? c - '0' + 52 : c == '+' ? 62 : 63;
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<unsigned char>(bits >> count & 0xff));
    }
  }
  std::memcpy(values.data(), bytes.data(), std::min(bytes.size(), size * sizeof(float)));
  return values;
}

float largest(const float* found, const std::vector<float>& expected) {
  float most = 0.0f;
  for (std::size_t at = 0; at < expected.size(); ++at) most = std::max(most, std::fabs(found[at] - expected[at]));
  return most;
}

struct Channel {
  const char* name;
  std::vector<std::int64_t> shape;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "stage MODEL CASE...\n"), 2;
  const std::array<Channel, 6> channels = {{{"acc", {960, 3}},
                                            {"ppg", {1920}},
                                            {"temp", {120}},
                                            {"heart_rate", {6}},
                                            {"counts", {2}},
                                            {"present", {5}}}};
  const char* outputs[] = {"probabilities", "quality", "stages"};

  OrtEnv* environment = nullptr;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "staging", &environment));
  check(api->DisableTelemetryEvents(environment));
  OrtSessionOptions* options = nullptr;
  check(api->CreateSessionOptions(&options));
  check(api->SetIntraOpNumThreads(options, 1));
  OrtSession* session = nullptr;
  check(api->CreateSession(environment, argv[1], options, &session));
  OrtMemoryInfo* memory = nullptr;
  check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));

  int wrong = 0;
  for (int number = 2; number < argc; ++number) {
    std::ifstream file(argv[number]);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::size_t place = after(text, "epochs");
    if (place == std::string::npos) return std::fprintf(stderr, "%s: no case\n", argv[number]), 2;
    const std::int64_t epochs = std::atoll(text.c_str() + place);
    const std::string inputs = text.substr(after(text, "inputs"), after(text, "outputs") - after(text, "inputs"));
    const std::string expected = text.substr(after(text, "outputs"));

    std::vector<std::vector<float>> samples;
    std::vector<const char*> names;
    std::vector<OrtValue*> tensors;
    for (const Channel& channel : channels) {
      std::vector<std::int64_t> shape = {epochs};
      shape.insert(shape.end(), channel.shape.begin(), channel.shape.end());
      std::size_t size = 1;
      for (const std::int64_t axis : shape) size *= static_cast<std::size_t>(axis);
      samples.push_back(floats(inputs, channel.name, size));
      OrtValue* tensor = nullptr;
      check(api->CreateTensorWithDataAsOrtValue(memory, samples.back().data(), size * sizeof(float), shape.data(),
                                                shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &tensor));
      names.push_back(channel.name);
      tensors.push_back(tensor);
    }

    OrtValue* found[3] = {nullptr, nullptr, nullptr};
    check(api->Run(session, nullptr, names.data(), tensors.data(), tensors.size(), outputs, 3, found));
    float* probabilities = nullptr;
    float* quality = nullptr;
    std::int64_t* stages = nullptr;
    check(api->GetTensorMutableData(found[0], reinterpret_cast<void**>(&probabilities)));
    check(api->GetTensorMutableData(found[1], reinterpret_cast<void**>(&quality)));
    check(api->GetTensorMutableData(found[2], reinterpret_cast<void**>(&stages)));

    const std::size_t n = static_cast<std::size_t>(epochs);
    const float apart = std::max(largest(probabilities, floats(expected, "probabilities", 5 * n)),
                                 largest(quality, floats(expected, "quality", 3 * n)));
    const std::vector<std::int64_t> right = whole_numbers(expected, "stages");
    const bool same = right.size() == n && std::equal(right.begin(), right.end(), stages) && apart <= 1e-3f;
    wrong += same ? 0 : 1;
    std::printf("%s: %s, values within %.1g\n", argv[number], same ? "right" : "WRONG", apart);
    for (OrtValue* value : found) api->ReleaseValue(value);
    for (OrtValue* value : tensors) api->ReleaseValue(value);
  }
  api->ReleaseMemoryInfo(memory);
  api->ReleaseSession(session);
  api->ReleaseSessionOptions(options);
  api->ReleaseEnv(environment);
  return wrong;
}
