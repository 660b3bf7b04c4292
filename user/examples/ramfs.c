/* SPDX-License-Identifier: MIT */
/*
 * A file server: files in memory, and three clients at once.
 *
 *	exosh> run ramfs
 *
 * A request is a label (enum request) and words; the reply's label is 0 or an enum exo_error. A
 * client's badge is its session: what it has opened has numbers that mean nothing to the others.
 *
 * Names and what is written come in the message. What is read does not: READ grants a capability to
 * the file's page, to be read only, which the client maps: one call, however much there is in it.
 */
#include "example.h"

#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/print.h>

#define CLIENTS 3u
#define FILES 8u
#define OPENED 4u /* files, by a client at a time */
#define PIECE 24u /* bytes of text or name in a message: words 3 to 5 */
#define VIEW UINT64_C(0x20000000000) /* where a client looks at a page */

/* Words: 0, a number: which of the client's files, for LIST of all; 1, a place; 2, a size. */
enum request { OPEN, WRITE, READ, LIST, CLOSE };

static char names[FILES][PIECE] = { "log" }; /* "": there is none, nor behind it */
static char (*pages)[EXO_PAGE]; /* a file has one */
static unsigned int sessions[CLIENTS + 1][OPENED]; /* by badge: a file and 1, or 0 */
static exo_cap_t endpoint;

/* Finds a file, or makes it; its number is the session's first that is free. */
static uint32_t open_file(unsigned int *session, const char *name)
{
	unsigned int number = 0, i = 0;

	while (number < OPENED && session[number])
		number++;
	while (i < FILES && names[i][0] && strncmp(names[i], name, PIECE) != 0)
		i++;
	if (i == FILES || number == OPENED)
		return EXO_E_NOMEM;
	memcpy(names[i], name, PIECE);
	session[number] = i + 1;
	return 0;
}

/* The reply's tag; words that come back are put in place. */
static uint64_t answer(unsigned int *session, struct exo_message *m)
{
	const uint64_t number = m->words[0], at = m->words[1], size = m->words[2];
	const uint32_t request = EXO_TAG_LABEL(m->tag),
		       file = number < OPENED ? session[number] : 0;
	char *text = (char *)&m->words[3];

	if (request == OPEN)
		return EXO_TAG(open_file(session, text), 0);
	if (request == LIST && number < FILES) {
		memcpy(text, names[number], PIECE);
		return EXO_TAG(0, 6);
	}
	if (!file) /* this client has not opened it; that others have does not count */
		return EXO_TAG(EXO_E_ARG, 0);
	if (request == READ) {
		STATE->grant = EXO_GRANT(exo_pages_slot(pages[file - 1]), EXO_RIGHT_R);
		return EXO_TAG(0, 0) | EXO_TAG_GRANT;
	}
	if (request == CLOSE)
		session[number] = 0;
	else if (size > PIECE || at > EXO_PAGE - size)
		return EXO_TAG(EXO_E_RANGE, 0);
	else
		memcpy(pages[file - 1] + at, text, size);
	return EXO_TAG(0, 0);
}

/* Until all clients have ended; how many requests they had, or 0 if one has failed. */
static unsigned int serve(void)
{
	unsigned int left = CLIENTS, requests = 0, failed = 0;
	struct exo_message m = { 0 };

	while (left > 0) {
		const struct exo_result got = exo_ipc_reply_wait(endpoint, &m);

		if (got.error == -EXO_E_SLOT) { /* who reads takes no capability: tell it */
			m.tag = EXO_TAG(EXO_E_SLOT, 0);
		} else if (!got.error && m.tag & EXO_TAG_BITS) {
			left -= count_ends(m.words[0], &failed);
			m.tag = 0;
		} else if (!got.error && ++requests) {
			m.tag = answer(sessions[got.value], &m);
		}
	}
	return failed ? 0 : requests;
}

static int server(void)
{
	static struct exo_process clients[CLIENTS + 1];
	unsigned int requests;

	if (exo_pages_take(EXO_FIRST_BANK, FILES, (void **)&pages))
		return 1;
	endpoint = make_server("ramfs", CLIENTS, clients);
	requests = endpoint ? serve() : 0;
	exo_printf("ramfs: %u requests; the log: %s %s %s\n", requests, pages[0], pages[0] + PIECE,
		   pages[0] + 2 * PIECE);
	return requests == 0;
}

/* A request, with a text that the reply may change. 0, or an enum exo_error. */
static int64_t request(enum request what, uint64_t number, uint64_t at, char *text)
{
	struct exo_message m = { EXO_TAG(what, 6), { number, at, PIECE, 0, 0, 0 } };
	int64_t error;

	memcpy(&m.words[3], text, PIECE);
	error = exo_ipc_call(exo_granted(0), &m).error;
	memcpy(text, &m.words[3], PIECE);
	return error ? -error : EXO_TAG_LABEL(m.tag);
}

/* Returns 0, or which step went wrong. */
static int client(char digit)
{
	char log[PIECE] = "log", name[PIECE] = "notes _", line[PIECE] = "client _",
	     none[PIECE] = "";

	name[6] = line[7] = digit;
	if (request(OPEN, 0, 0, name) || request(OPEN, 0, 0, log) || /* they are number 0 and 1 */
	    request(WRITE, 0, 0, line) || request(WRITE, 1, (uint64_t)(digit - '1') * PIECE, line))
		return 1;
	if (request(READ, 0, 0, none) != EXO_E_SLOT) /* it takes no capability */
		return 2;
	STATE->mailbox = exo_slot_take(1);
	if (request(READ, 0, 0, none) ||
	    exo_map_frames(EXO_SELF, STATE->mailbox, 1, VIEW, EXO_RIGHT_R) ||
	    strcmp((const char *)VIEW, line) != 0)
		return 3;
	if (request(LIST, 0, 0, none) || strcmp(none, log) != 0)
		return 4;
	return request(CLOSE, 0, 0, none) || request(WRITE, 0, 0, line) != EXO_E_ARG ? 5 : 0;
}

int main(int argc, char **argv)
{
	return argc > 2 ? client(argv[2][0]) : server();
}
