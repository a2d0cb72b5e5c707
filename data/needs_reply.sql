-- What a text says of itself, links and emoji codes left out and in lower case. $question, $courtesy and $brands are
-- regular expressions made from data/words.toml and the settings.

create or replace temp macro without_links(words) as
    case
        when contains(words, ':') then regexp_replace(words, 'https?://\S+|:[A-Za-z0-9_+\-]+:', ' ', 'g')
        else coalesce(words, '')
    end;

create or replace temp macro has_question_mark(words) as
    contains(words, '?') or contains(words, '？') or contains(words, '؟');

-- Under three words. Chinese and Japanese leave no room between words: two signs count as one.
create or replace temp macro is_too_short(words) as
    not regexp_matches(words, '([\p{L}\p{N}][\p{L}\p{M}\p{N}''’_]*[^\p{L}\p{N}]+){2}[\p{L}\p{N}]')
    and not regexp_matches(words, '([\p{Han}\p{Hiragana}\p{Katakana}][^\p{L}\p{N}]*){6}');

create or replace temp macro is_courtesy(words, courtesy) as regexp_full_match(words, courtesy);

create or replace temp macro has_question_word(words, question) as regexp_matches(words, question);

create or replace temp macro has_word(words, pattern) as regexp_matches(words, pattern);
