/* SPDX-License-Identifier: MIT */
/*
 * Who must hold which lock, in a form that clang checks in every build (-Wthread-safety; the test
 * job static.thread-safety). Other compilers see nothing.
 *
 * A field can name a lock that was declared before it and is a variable of its own; a lock beside
 * it in the same structure cannot be named in C: such fields say so in a comment, and the functions
 * that use them have __requires(object->lock).
 */
#ifndef EXO_ANNOTATIONS_H
#define EXO_ANNOTATIONS_H

#ifdef __clang__
#define __annotation(what) __attribute__((what))
#else
#define __annotation(what)
#endif

/* A type whose objects can be held. */
#define __capability(name) __annotation(capability(name))

/* A variable, or what a pointer leads to, that is used only while @lock is held. */
#define __guarded_by(lock) __annotation(guarded_by(lock))
#define __target_guarded_by(lock) __annotation(pt_guarded_by(lock))

/* A function that its caller calls with @lock held, and not held. */
#define __requires(lock) __annotation(requires_capability(lock))
#define __excludes(lock) __annotation(locks_excluded(lock))

/* A function that returns with @lock taken, or released; taken if the result is @success. */
#define __acquires(lock) __annotation(acquire_capability(lock))
#define __releases(lock) __annotation(release_capability(lock))
#define __try_acquires(success, lock) __annotation(try_acquire_capability(success, lock))

/* A function that does not return unless @lock is held. */
#define __asserts(lock) __annotation(assert_capability(lock))

/* A function that the analysis cannot follow; a comment there says why. */
#define __no_thread_safety_analysis __annotation(no_thread_safety_analysis)

#endif
