//! Long random lives: the same model as the exhaustive exploration, far deeper.

use proptest::prelude::*;

use super::model_check::{State, verdicts};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_random_life_breaks_a_property(choices in prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize), 1..300)) {
        let mut state = State::new();
        let mut story = Vec::new();
        for (choice, verdict) in choices {
            let moves = state.moves();
            let made = choice.get(&moves).clone();
            let outcome = state.apply(&made, verdicts()[verdict].clone());
            story.push(made);
            prop_assert!(outcome.is_ok(), "{outcome:?} after {story:?}");
        }
    }
}
