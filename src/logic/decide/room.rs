//! Room on the stack: a search goes as deep as there are tests.

use std::cell::Cell;
use std::thread;

/// Room for as many tests as are decided at all.
const STACK: usize = 128 << 20;

thread_local! {
    static IS_ROOMY: Cell<bool> = const { Cell::new(false) };
}

/// Gives the threads among which `rayon` shares work the room that decisions about large conditions need. Without it
/// each of these gets a thread of its own, which costs more than most decisions take. To be called before any work is
/// shared; later it changes nothing.
pub fn provide_room() {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).start_handler(|_| IS_ROOMY.set(true));
    // The pool that there is does, too.
    _ = pool.build_global();
}

/// Runs something that goes deep; none if there is no room for it.
pub(super) fn with_room<T: Send>(run: impl FnOnce() -> T + Send) -> Option<T> {
    if IS_ROOMY.get() {
        return Some(run());
    }
    let builder = thread::Builder::new().stack_size(STACK);
    thread::scope(|scope| builder.spawn_scoped(scope, run).ok().and_then(|thread| thread.join().ok()))
}
