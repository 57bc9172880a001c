#include "http/message.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace weft::http {
namespace {

// The obvious ordered multimap that HeaderMap must agree with.
class Reference {
 public:
  void add(std::string name, std::string value) { lines.emplace_back(std::move(name), std::move(value)); }
  void set(const std::string& name, const std::string& value) {
    bool done = false;
    for (size_t i = 0; i < lines.size();) {
      if (lines[i].first != name) {
        ++i;
      } else if (!done) {
        lines[i++].second = value;
        done = true;
      } else {
        lines.erase(lines.begin() + static_cast<ptrdiff_t>(i));
      }
    }
    if (!done) add(name, value);
  }
  void append(const std::string& name, const std::string& value) {
    for (auto& line : lines) {
      if (line.first == name) return void(line.second += "," + value);
    }
    add(name, value);
  }
  size_t remove(const std::string& name) {
    return std::erase_if(lines, [&](const auto& line) { return line.first == name; });
  }
  std::vector<std::pair<std::string, std::string>> lines;
};

void expect_equal(const HeaderMap& map, const Reference& reference, const std::vector<std::string>& names) {
  ASSERT_EQ(map.size(), reference.lines.size());
  size_t bytes = 0;
  for (size_t i = 0; i < map.size(); ++i) {
    EXPECT_EQ(map.at(i).name, reference.lines[i].first);
    EXPECT_EQ(map.at(i).value, reference.lines[i].second);
    EXPECT_EQ(map.at(i).id, header_id(reference.lines[i].first));
    bytes += map.at(i).name.size() + map.at(i).value.size();
  }
  EXPECT_EQ(map.bytes(), bytes);
  for (const std::string& name : names) {
    std::optional<std::string_view> expected;
    size_t count = 0;
    for (const auto& line : reference.lines) {
      if (line.first != name) continue;
      if (!expected) expected = line.second;
      ++count;
    }
    EXPECT_EQ(map.find(name), expected) << name;
    const HeaderId id = header_id(name);
    if (id == HeaderId::Unknown) continue;
    EXPECT_EQ(map.find(id), expected) << name;
    EXPECT_EQ(map.has(id), expected.has_value()) << name;
    EXPECT_EQ(map.count(id), count) << name;
  }
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

TEST(HeaderMapTest, AgreesWithAnOrderedMultimapUnderRandomOperations) {
  base::BlockPool pool;
  const std::vector<std::string> names = {
      "host", "x-custom", "cookie", "x-other", "via", ":path", "a", "x-envoy-retry-on", std::string(100, 'n')};
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    base::Random random(seed);
    HeaderMap map(pool);
    Reference reference;
    for (int step = 0; step < 150; ++step) {
      const std::string& name = names[random.below(names.size())];
      std::string value(random.below(random.below(8) == 0 ? 3000 : 40), static_cast<char>('a' + random.below(26)));
      switch (random.below(7)) {
        case 0:
        case 1:
          map.add(upper(name), value);
          reference.add(name, value);
          break;
        case 2:
          map.set(upper(name), value);
          reference.set(name, value);
          break;
        case 3:
          map.append(upper(name), value);
          reference.append(name, value);
          break;
        case 4: EXPECT_EQ(map.remove(upper(name)), reference.remove(name)); break;
        case 5: {
          const char first = value.empty() ? 'q' : value[0];
          const auto matches = [&](std::string_view v) { return !v.empty() && v[0] == first; };
          const size_t removed = map.remove_if([&](const Header& h) { return matches(h.value); });
          EXPECT_EQ(removed, std::erase_if(reference.lines, [&](const auto& l) { return matches(l.second); }));
          break;
        }
        default:
          if (random.below(20) == 0) {
            map.clear();
            reference.lines.clear();
          }
          if (random.below(4) == 0) map = map.clone();
      }
    }
    expect_equal(map, reference, names);
    HeaderMap moved = std::move(map);
    expect_equal(moved, reference, names);
    expect_equal(map, Reference(), names);
  }
  EXPECT_EQ(pool.live_blocks(), 0u);
}

TEST(HeaderMapTest, TakesNamesAndValuesThatPointIntoItself) {
  base::BlockPool pool;
  HeaderMap map(pool);
  map.add("x-first", "value one");
  for (int i = 0; i < 300; ++i) {
    map.add(map.at(0).name, map.at(0).value);
    map.append(map.at(0).name, map.at(1).value);
    map.set(HeaderId::Via, map.at(0).value);
    map.set(map.at(0).name, map.at(0).value.substr(0, 9));
    EXPECT_EQ(map.at(0).name, "x-first");
    EXPECT_EQ(map.at(0).value, "value one");
  }
  EXPECT_EQ(map.size(), 2u);
}

TEST(HeaderMapTest, RepeatedSetsReuseTheirSpace) {
  base::BlockPool pool;
  HeaderMap map(pool);
  map.add("keep", "me");
  for (int i = 0; i < 10000; ++i) map.set(HeaderId::XRequestId, std::to_string(i));
  EXPECT_EQ(map.get(HeaderId::XRequestId), "9999");
  EXPECT_EQ(map.get("keep"), "me");
}

TEST(HeaderMapTest, HoldsNoBlockWhenEmpty) {
  base::BlockPool pool;
  HeaderMap map(pool);
  EXPECT_EQ(pool.live_blocks(), 0u);
  map.add(HeaderId::Via, "1.1 weft");
  EXPECT_EQ(pool.live_blocks(), 1u);
  map.clear();
  EXPECT_EQ(pool.live_blocks(), 0u);
}

TEST(HeaderMapTest, RemovesEveryLineOfASetAndNoOther) {
  base::BlockPool pool;
  HeaderMap map(pool);
  map.add("te", "trailers");
  map.add("x-own", "1");
  map.add("keep-alive", "5");
  map.add("accept", "*/*");
  map.add("keep-alive", "6");
  constexpr HeaderIdSet kSome{HeaderId::KeepAlive, HeaderId::Te, HeaderId::Upgrade};
  map.remove_all(kSome);
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map.at(0).name, "x-own");
  EXPECT_EQ(map.at(1).name, "accept");
  EXPECT_FALSE(map.has(HeaderId::KeepAlive));
  EXPECT_TRUE(map.has(HeaderId::Accept));
  map.remove_all(kSome);
  EXPECT_EQ(map.size(), 2u);
}

TEST(HeaderMapTest, AnEmptyValueIsPresent) {
  base::BlockPool pool;
  HeaderMap map(pool);
  map.add("X-Empty", "");
  map.add(HeaderId::Te, "");
  EXPECT_EQ(map.find("x-empty"), std::string_view(""));
  EXPECT_EQ(map.find(HeaderId::Te), std::string_view(""));
  EXPECT_EQ(map.find(HeaderId::Via), std::nullopt);
}

TEST(HeaderIdTest, EveryNameFindsItsIdAndNoOther) {
  for (size_t i = 1; i < kHeaderIdCount; ++i) {
    const HeaderId id = static_cast<HeaderId>(i);
    const std::string name(header_name(id));
    EXPECT_EQ(header_id(name), id) << name;
    EXPECT_EQ(header_id(name + "x"), HeaderId::Unknown) << name;
    EXPECT_EQ(header_id("x" + name), HeaderId::Unknown) << name;
    std::string changed = name;
    for (char& c : changed) {
      c ^= 1;
      if (header_id(changed) != HeaderId::Unknown) {
        EXPECT_EQ(header_name(header_id(changed)), changed);
      }
      c ^= 1;
    }
  }
  EXPECT_EQ(header_id(""), HeaderId::Unknown);
  EXPECT_EQ(header_id("a"), HeaderId::Unknown);
  EXPECT_EQ(header_id(std::string(1000, 'a')), HeaderId::Unknown);
}

TEST(RequestHeadTest, SaysWhetherItAsksForAnUpgrade) {
  base::BlockPool pool;
  RequestHead h1(pool);
  EXPECT_FALSE(h1.is_upgrade());
  h1.add(HeaderId::Upgrade, "websocket");
  EXPECT_TRUE(h1.is_upgrade());
  RequestHead h2(pool);
  h2.version = Version::Http2;
  h2.add(HeaderId::Method, "CONNECT");
  EXPECT_TRUE(h2.is_connect());
  h2.add(HeaderId::Protocol, "websocket");
  EXPECT_TRUE(h2.is_upgrade());
  EXPECT_FALSE(h2.is_connect());
}

}  // namespace
}  // namespace weft::http
