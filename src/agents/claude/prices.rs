//! The prices that book a run whose program did not tell its cost: what tokens cost, by families of models.
//!
//! # Source
//! The catalog of models inside version 2.1.329 of the program (`pricing_tiers`, and `pricing` of each model), read on
//! 2026-11-28. In all its tiers a write into the cache for five minutes costs a quarter more than input, one for an hour
//! twice as much as input, and a search of the web a cent. Left out are two surcharges of the program: for its fast mode,
//! and for answers that are to come from the United States alone.

use super::event::Tokens;

/// Prices in dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Price {
    /// What names of its models hold; of several rows that fit the longest one counts.
    family: &'static str,
    input: f64,
    output: f64,
    cache_read: f64,
    /// Prices of a message that reads more than [`LONG`] tokens are this many times as high.
    long: f64,
}

/// One row.
const fn price(family: &'static str, input: f64, output: f64, cache_read: f64) -> Price {
    Price { family, input, output, cache_read, long: 1.0 }
}

/// The families of the catalog.
const PRICES: [Price; 21] = [
    Price { long: 5.0, ..price("haiku-5-5", 0.1, 0.5, 0.01) },
    price("haiku-4-5", 1.0, 5.0, 0.1),
    price("3-5-haiku", 0.8, 4.0, 0.08),
    price("sonnet-5-5", 2.0, 10.0, 0.1),
    price("sonnet-5", 2.0, 10.0, 0.2),
    price("sonnet-4", 3.0, 15.0, 0.3),
    price("3-7-sonnet", 3.0, 15.0, 0.3),
    price("3-5-sonnet", 3.0, 15.0, 0.3),
    price("opus-5-5", 4.0, 20.0, 0.2),
    price("opus-5", 5.0, 25.0, 0.5),
    price("opus-4-5", 5.0, 25.0, 0.5),
    price("opus-4-6", 5.0, 25.0, 0.5),
    price("opus-4-7", 5.0, 25.0, 0.5),
    price("opus-4-8", 5.0, 25.0, 0.5),
    DEAREST,
    price("fable-5-1", 10.0, 50.0, 0.25),
    price("fable-5-2", 8.0, 40.0, 0.2),
    price("fable-5", 10.0, 50.0, 1.0),
    price("mythos-5-1", 10.0, 50.0, 0.25),
    price("mythos-5-2", 8.0, 40.0, 0.2),
    price("mythos-5", 10.0, 50.0, 1.0),
];
/// What a model costs that is not in the table: as much as the dearest, Opus 4.0 and 4.1.
const DEAREST: Price = price("opus-4", 15.0, 75.0, 1.5);
/// Above this many tokens read by one message a family may have its higher price: `above_prompt_tokens`.
const LONG: u64 = 100_000;
/// Of the price of input: a write into the cache for five minutes, and what one for an hour costs more than that.
const CACHE_WRITE: f64 = 1.25;
const CACHE_HOUR: f64 = 0.75;
/// Dollars for a search of the web.
const WEB_SEARCH: f64 = 0.01;

/// Whether the prices of a model are known.
pub(super) fn is_known(model: &str) -> bool {
    find(model).is_some()
}

/// What one message of a model costs, `cache_hour` of whose cache writes are for an hour.
pub(super) fn dollars(model: &str, tokens: Tokens, cache_hour: u64, web_searches: u64) -> f64 {
    let price = find(model).unwrap_or(DEAREST);
    let read = tokens.read_by_model();
    let factor = if read > LONG { price.long } else { 1.0 };
    let input = number(tokens.input)
        + CACHE_WRITE * number(tokens.cache_write)
        + CACHE_HOUR * number(cache_hour);
    let millions = input * price.input
        + number(tokens.output) * price.output
        + number(tokens.cache_read) * price.cache_read;
    millions * factor / 1e6 + number(web_searches) * WEB_SEARCH
}

/// A number of tokens to reckon with; nobody has seen a message of four thousand million.
fn number(tokens: u64) -> f64 {
    f64::from(u32::try_from(tokens).unwrap_or(u32::MAX))
}

fn find(model: &str) -> Option<Price> {
    let fits = PRICES.iter().filter(|price| model.contains(price.family));
    fits.max_by_key(|price| price.family.len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn million(model: &str, tokens: Tokens) -> f64 {
        // In parts of a hundredth, which are short for every family.
        100.0 * dollars(model, tokens, 0, 0)
    }

    #[test]
    fn a_model_costs_what_its_family_does_and_an_unknown_one_as_much_as_the_dearest() {
        let input = Tokens { input: 10_000, ..Tokens::default() };
        for (model, usd) in [
            ("claude-haiku-5-5", 0.1),
            ("claude-opus-5-5", 4.0),
            ("claude-opus-5", 5.0),
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", 5.0),
            ("claude-sonnet-4-20250514", 3.0),
            ("claude-opus-4-20250514", 15.0),
            ("us.anthropic.claude-opus-4-1-20250805-v1:0", 15.0),
            ("claude-fable-5", 10.0),
            ("claude-fable-5-2", 8.0),
            ("claude-mythos-5", 10.0),
            ("claude-mythos-5-2", 8.0),
            ("claude-mythos-9", 15.0),
            ("stub-1", 15.0),
        ] {
            assert!((million(model, input) - usd).abs() < 1e-9, "{model}");
        }
        assert!(is_known("claude-haiku-5-5") && !is_known("stub-1"));
        let dearest = PRICES.iter().all(|price| {
            price.input * price.long <= DEAREST.input
                && price.output * price.long <= DEAREST.output
                && price.cache_read * price.long <= DEAREST.cache_read
        });
        assert!(dearest, "a family is dearer than the dearest");
    }

    #[test]
    fn reading_from_the_cache_costs_what_the_generation_asks() {
        let cached = Tokens { cache_read: 10_000, ..Tokens::default() };
        for (model, usd) in [
            ("claude-sonnet-5", 0.2),
            ("claude-sonnet-5-5", 0.1),
            ("claude-opus-4-1-20250805", 1.5),
            ("claude-mythos-5-1", 0.25),
        ] {
            assert!((million(model, cached) - usd).abs() < 1e-9, "{model}");
        }
    }

    #[test]
    fn a_message_is_long_from_the_first_token_above_the_step() {
        let reading = |cache_read| {
            let tokens = Tokens { input: 50_000, cache_read, ..Tokens::default() };
            dollars("claude-haiku-5-5", tokens, 0, 0)
        };
        assert!((reading(50_000) - 0.0055).abs() < 1e-9);
        assert!((reading(50_001) - 5.0 * (0.0055 + 1e-8)).abs() < 1e-9);
    }

    #[test]
    fn each_sort_of_token_has_its_price() {
        let haiku = |tokens| million("claude-haiku-5-5", tokens);
        let none = Tokens::default();
        for (tokens, usd) in [
            (Tokens { output: 10_000, ..none }, 0.5),
            (Tokens { cache_read: 10_000, ..none }, 0.01),
            (Tokens { cache_write: 10_000, ..none }, 0.125),
        ] {
            assert!((haiku(tokens) - usd).abs() < 1e-9, "{tokens:?}");
        }
        let hour = Tokens { cache_write: 10_000, ..none };
        assert!((dollars("claude-haiku-5-5", hour, 10_000, 0) - 0.002).abs() < 1e-9);
        let long = Tokens { input: 201_000, ..none };
        assert!((dollars("claude-haiku-5-5", long, 0, 0) - 0.1005).abs() < 1e-9);
        assert!((dollars("claude-haiku-5-5", none, 0, 10) - 0.1).abs() < 1e-9);
    }
}
