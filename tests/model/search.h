/* SPDX-License-Identifier: MIT */
/*
 * A search of all orders in which threads can take their steps, which leaves out what differs only
 * in steps that have nothing to do with each other: source-DPOR with sleep sets (P. Abdulla,
 * S. Aronis, B. Jonsson, K. Sagonas: Source Sets, Journal of the ACM 64, 4, 2017).
 *
 * A step is an access to an atomic object, and what the thread does until its next one. Steps of
 * two threads are dependent if they access the same object, and one of them writes. Two such steps
 * are a race if no others in between order them; then there will be a run in which the second comes
 * first. A thread sleeps where all that begins with its step has been searched, until there is a
 * step that depends on it. A run in which all threads sleep is the same as another one.
 *
 * A load that is free to be given an older value than the newest is not, if it races with the store
 * of the newest: it gets the older one in the order in which it comes first, all else being equal.
 */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include <cassert>
#include <cstring>
#include <istream>
#include <ostream>

class model_search
{
      public:
	enum { THREADS = 4, LENGTH = 1000 };

	/* What a thread does in a step; no object: nothing that others see. */
	struct access {
		const void *object;
		bool writes;
	};

	/* Begins a run, the first one or the one that next() has planned. */
	void begin()
	{
		depth = 0;
		surplus = false;
		for (unsigned int i = 0; i < THREADS; i++)
			last[i] = NONE;
	}

	/* Who takes the next step. @ready: a bit for each thread that can; @accesses: theirs. */
	unsigned int pick(unsigned int ready, const struct access *accesses)
	{
		if (depth == length && !surplus)
			plan(ready, accesses);
		if (surplus)
			return lowest(ready);

		struct place *const place = &places[current = depth++];

		assert(place->step && ready & 1u << place->chosen);
		if (place->fresh) {
			place->fresh = false;
			place->access = accesses[place->chosen];
			find_races(current);
		}
		assert(place->access.object == accesses[place->chosen].object);
		last[place->chosen] = current;
		return place->chosen;
	}

	/* One of @limit ways in which the step can go on. */
	unsigned int choose(unsigned int limit)
	{
		if (surplus)
			return 0;
		if (depth == length) {
			append();
			places[depth].limit = limit;
		}
		assert(!places[depth].step && places[depth].limit == limit);
		return places[depth++].chosen;
	}

	/* The same for a load: 0 is the newest value of those that are left, 1 an older one. */
	unsigned int choose_older()
	{
		return surplus || places[current].newest_only ? 0 : choose(2);
	}

	/* After a run: plans another one. False: all have been made. */
	bool next()
	{
		for (; length; length--) {
			struct place *const place = &places[length - 1];

			if (!place->step) {
				if (++place->chosen < place->limit)
					return true;
				continue;
			}
			place->asleep |= 1u << place->chosen;
			if (place->wanted & ~place->asleep) {
				place->chosen = lowest(place->wanted & ~place->asleep);
				place->fresh = true;
				return true;
			}
		}
		return false;
	}

	/* The run, so that it can be made once more. */
	void save(std::ostream &stream) const
	{
		stream << length << " ";
		for (unsigned int i = 0; i < length; i++)
			stream << places[i].step << " " << places[i].chosen << " "
			       << places[i].limit << " ";
	}

	void restore(std::istream &stream)
	{
		unsigned int saved = 0;

		for (stream >> saved; length < saved;) {
			struct place *const place = append();

			stream >> place->step >> place->chosen >> place->limit;
			place->fresh = true;
		}
	}

      private:
	enum { NONE = -1 };

	/* Of a run: a step, or a choice within the one before. */
	struct place {
		bool step, fresh, newest_only;
		unsigned int chosen, limit; /* a thread; or which of how many */
		unsigned int asleep, wanted; /* threads; who is to take this step in some run */
		struct access access;
		int seen[THREADS]; /* of each thread, the last step that comes before, or is this */
	};
	struct place places[LENGTH];
	unsigned int length = 0, depth, current;
	int last[THREADS]; /* steps */
	bool surplus;

	static unsigned int lowest(unsigned int threads)
	{
		return (unsigned int)__builtin_ctz(threads);
	}

	static bool dependent(const struct access &one, const struct access &other)
	{
		return one.object && one.object == other.object && (one.writes || other.writes);
	}

	struct place *append()
	{
		assert(length < LENGTH);
		memset(&places[length], 0, sizeof(places[length]));
		return &places[length++];
	}

	/* Appends a step of who is awake; first of one that does nothing that others see. */
	void plan(unsigned int ready, const struct access *accesses)
	{
		const unsigned int asleep = asleep_after(accesses);
		unsigned int awake = ready & ~asleep;

		surplus = !awake;
		if (surplus)
			return;

		struct place *const place = append();

		place->step = place->fresh = true;
		place->asleep = asleep;
		place->chosen = lowest(awake);
		for (; awake; awake &= awake - 1)
			if (!accesses[lowest(awake)].object)
				place->chosen = lowest(awake);
		place->wanted = 1u << place->chosen;
	}

	/* Who still sleeps after the last step. */
	unsigned int asleep_after(const struct access *accesses) const
	{
		unsigned int asleep = 0;

		if (!length)
			return 0;

		const struct place &before = places[current];

		for (unsigned int i = 0; i < THREADS; i++)
			if (before.asleep & 1u << i && i != before.chosen &&
			    !dependent(accesses[i], before.access))
				asleep |= 1u << i;
		return asleep;
	}

	/* Does step @index come before all that has been @seen, in each equal order? */
	bool precedes(unsigned int index, const int *seen) const
	{
		return seen[places[index].chosen] >= (int)index;
	}

	/* What a thread has seen by its last step. */
	void seen_by(unsigned int thread, int *seen) const
	{
		for (unsigned int i = 0; i < THREADS; i++)
			seen[i] = last[thread] == NONE ? NONE : places[last[thread]].seen[i];
	}

	void find_races(unsigned int index)
	{
		struct place *const step = &places[index];

		seen_by(step->chosen, step->seen);
		step->newest_only = races_with_newest(index);
		for (unsigned int i = index; i-- > 0;) {
			if (!places[i].step || !dependent(places[i].access, step->access) ||
			    precedes(i, step->seen))
				continue;
			reverse(i, index);
			for (unsigned int j = 0; j < THREADS; j++)
				if (step->seen[j] < places[i].seen[j])
					step->seen[j] = places[i].seen[j];
		}
		step->seen[step->chosen] = (int)index;
	}

	/* Has somebody take step @first who can begin what is needed to have @second before it. */
	void reverse(unsigned int first, unsigned int second)
	{
		unsigned int begun = 0, can_begin = 0;

		for (unsigned int i = first + 1; i <= second; i++) {
			const unsigned int thread = 1u << places[i].chosen;

			if (!is_besides(i, first, second) || begun & thread)
				continue;
			begun |= thread;
			if (is_first_of_these(i, first, second))
				can_begin |= thread;
		}
		if (can_begin & places[first].wanted)
			return;
		places[first].wanted |= can_begin & 1u << places[second].chosen
						? 1u << places[second].chosen
						: 1u << lowest(can_begin);
	}

	/* Is this a step that @first need not precede? @second is one. */
	bool is_besides(unsigned int index, unsigned int first, unsigned int second) const
	{
		return places[index].step &&
		       (index == second || !precedes(first, places[index].seen));
	}

	/* Does no other step that @first need not precede have to come before this one? */
	bool is_first_of_these(unsigned int index, unsigned int first, unsigned int second) const
	{
		for (unsigned int i = first + 1; i < index; i++)
			if (is_besides(i, first, second) && precedes(i, places[index].seen))
				return false;
		return true;
	}

	/* If it is a load: could it as well come before the store of the newest value? */
	bool races_with_newest(unsigned int index) const
	{
		const struct place &load = places[index];

		for (unsigned int i = index; i-- > 0;)
			if (places[i].access.writes &&
			    places[i].access.object == load.access.object)
				return !precedes(i, load.seen);
		return false;
	}
};

#endif
