// Purpose: what the linter knows of names as language: words in a name, tense, mood, likeness.
// Thread:  any (pure functions).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::storm {

/// The words of a name, lower-case: "TalkNotSelected", "talk-not-selected" and "talk_not_selected" give the same three.
std::vector<std::string> split_words(std::string_view name);
/// "call for papers" as "CallForPapers".
std::string pascal_case(std::span<const std::string> words);
/// "CallForPapers" as "call-for-papers".
std::string kebab_case(std::string_view name);
std::string lower_case(std::string_view text);

/// The name a rule of grammar can be asked about: English letters only. Others are left alone.
bool is_plain_ascii(std::string_view name);

/// Whether a name says that something has happened: "TalkSubmitted", "MoneyTransferredToAccount", "VoteCast".
bool is_past_tense(std::string_view event);
/// What the event was probably meant to be called; empty: no idea. "TalkWithdraw" gives "TalkWithdrawn".
std::string past_tense_of(std::string_view event);

/// Why a command's name is not an order ("is past tense"); empty: it is one. `nouns`: lower-case words that the board
/// uses for things (keys, aggregates), which cannot begin an order that goes on with a verb.
std::string fault_of_order(std::string_view command, std::span<const std::string> nouns);
/// "TalkSubmitted" or "SubmitsTalk" as "SubmitTalk"; empty: no idea.
std::string order_of(std::string_view name);

/// The base form of a verb or the singular of a noun: "submitted" → "submit", "talks" → "talk".
std::string stem(std::string_view word);
bool is_plural(std::string_view word);

/// Edit distance with transpositions, counted up to `limit + 1`.
/// Cost: O(length · limit).
size_t distance(std::string_view a, std::string_view b, size_t limit);
/// The candidate most like `word`, near enough to be what was meant; the first of equals.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> candidates);
/// Whether two names of a kind are so alike that one of them is a mistake or both mean one thing: the same words in
/// another order or number, or one slip of the finger.
bool is_near_duplicate(std::string_view a, std::string_view b);
/// For each name that is a near duplicate of an earlier one: both positions, the earlier one first.
/// Cost: linear in all letters.
std::vector<std::pair<size_t, size_t>> near_duplicates(std::span<const std::string_view> names);
/// The common word for a word with synonyms ("client" → "customer"); itself otherwise. Units: lower-case words.
std::string_view synonym_of(std::string_view word);

}  // namespace weft::storm
