//! Long random sequences: the same model as the exhaustive exploration, far deeper.

use proptest::prelude::*;

use super::model_check::{State, verdicts};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_random_sequence_breaks_a_property(choices in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize), 1..300)) {
        let mut state = State::new();
        let mut sequence = Vec::new();
        for (choice, verdict) in choices {
            let steps = state.steps();
            let step = choice.get(&steps).clone();
            let outcome = state.apply(&step, verdicts()[verdict].clone());
            sequence.push(step);
            prop_assert!(outcome.is_ok(), "{outcome:?} after {sequence:?}");
        }
    }
}
