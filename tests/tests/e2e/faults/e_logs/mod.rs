//! Section E: output is stored, in order, whatever happens.

mod bytes;
mod disk;
mod end_of_stream;
mod floods;
mod followers;
mod rotation_crash;
mod support;
