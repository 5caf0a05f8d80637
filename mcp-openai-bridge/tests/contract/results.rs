//! Results: nothing is lost on the way to the model.
