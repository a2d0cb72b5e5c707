-- What a text says of itself, links and emoji codes left out and in lower case. $question, $courtesy and $brands are
-- regular expressions made from data/words.toml and the settings; so are $thanks, $solved and $turns.

create or replace temp macro without_links(words) as
    case
        when contains(words, ':') then regexp_replace(words, 'https?://\S+|:[A-Za-z0-9_+\-]+:', ' ', 'g')
        else coalesce(words, '')
    end;

-- Also of Chinese, Arabic, Armenian and Greek. Greek has a sign of its own, but its keyboards write a semicolon.
create or replace temp macro has_question_mark(words) as
    contains(words, '?') or contains(words, '？') or contains(words, '؟') or contains(words, '՞')
    or contains(words, chr(894))
    or case when contains(words, ';') then regexp_matches(words, '\p{Greek}{2};') else false end;

-- Under three words. Where no room is left between words, signs are counted: two to a word in Chinese and Japanese,
-- four, marks counted, in Thai, Lao, Khmer and Burmese. What stands between them is taken out before: a pattern that
-- repeats it takes longer to build than the texts of a whole day to match.
create or replace temp macro is_too_short(words) as
    case
        when regexp_matches(words, '(?s)([\p{L}\p{N}].*[^\p{L}\p{M}\p{N}].*){2}[\p{L}\p{N}]') then false
        else
            not regexp_matches(
                regexp_replace(words, '[^\p{L}\p{N}\p{Han}\p{Hiragana}\p{Katakana}]+', '', 'g'),
                '[\p{Han}\p{Hiragana}\p{Katakana}ー]{6}'
            )
            and not regexp_matches(
                regexp_replace(words, '[^\p{L}\p{N}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+', '', 'g'),
                '[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{12}'
            )
    end;

create or replace temp macro is_courtesy(words, courtesy) as regexp_full_match(words, courtesy);

create or replace temp macro has_question_word(words, question) as regexp_matches(words, question);

-- "Thanks a lot, that solved my problem with the router!": only thanks, with what for. More words may ask for more. For
-- what holds no question. A case, and not an "and" of which every part would be asked of every text.
create or replace temp macro is_closing(words, thanks, solved, turns) as
    case
        when length(words) > 300 then false
        when not regexp_matches(words, solved) then false
        else regexp_matches(words, thanks) and not regexp_matches(words, turns)
    end;

create or replace temp macro has_word(words, pattern) as regexp_matches(words, pattern);
