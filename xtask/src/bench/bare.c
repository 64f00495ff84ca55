// The reference for managers: starts the programs of a file (one a line, words separated by tabs), starts again what
// ends, and on SIGTERM ends all and waits for them.
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PROGRAMS = 10000, MAX_WORDS = 16 };
static char *words[MAX_PROGRAMS][MAX_WORDS];
static pid_t pids[MAX_PROGRAMS];
extern char **environ;

static void start(int program) {
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  if (posix_spawn(&pids[program], words[program][0], NULL, &attributes, words[program], environ)) exit(1);
}

int main(int argc, char **argv) {
  char *line = NULL;
  size_t size = 0;
  int programs = 0;
  FILE *file = fopen(argc > 1 ? argv[1] : "", "r");
  if (!file) return 1;
  for (ssize_t length; programs < MAX_PROGRAMS && (length = getline(&line, &size, file)) > 0; programs++) {
    line[length - 1] = 0;
    int word = 0;
    for (char *text = strtok(strdup(line), "\t"); text && word < MAX_WORDS - 1; text = strtok(NULL, "\t"))
      words[programs][word++] = text;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (int program = 0; program < programs; program++) start(program);
  for (int signal; !sigwait(&signals, &signal) && signal != SIGTERM;)
    for (pid_t ended; (ended = waitpid(-1, NULL, WNOHANG)) > 0;)
      for (int program = 0; program < programs; program++)
        if (pids[program] == ended) start(program);
  for (int program = 0; program < programs; program++) kill(pids[program], SIGTERM);
  while (wait(NULL) > 0);
  return 0;
}
