/*
 * A worker for tests of its supervisor: takes a worker's options and serves /health and
 * /info until it is told to end. What it does badly stands in the name of its model:
 *
 *   crash      ends with code 69 after a last word on stderr
 *   corrupt    ends with code 65 after an error and a farewell, as lines of rbee's log
 *   slow       /health says 503 with progress three times
 *   never      /health says 503 for ever
 *   busy       /info says that all slots are taken
 *   dies       ends by SIGKILL when /info is asked for
 *   stubborn   ignores SIGTERM
 *   parent     has a child in its group that ignores SIGTERM; its pid goes to MODEL.pid
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *model = "", *slots = "1";
static char token[300];

static bool is_named(const char *word)
{
    const char *name = strrchr(model, '/');

    return strstr(name ? name : model, word) != NULL;
}

static void read_token(const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file || !fgets(token, sizeof(token), file))
        exit(2);
    token[strcspn(token, "\n")] = '\0';
    (void)fclose(file);
}

static int listen_on(const char *text)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    const char *colon = strrchr(text, ':');

    if (fd < 0 || !colon)
        exit(2);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((unsigned short)strtoul(colon + 1, NULL, 10));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0)
        exit(3);
    return fd;
}

static void answer(int fd, int status, const char *body)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       status, strlen(body), body);

    if (write(fd, text, (size_t)len) != len)
        (void)fprintf(stderr, "short write\n");
}

static void answer_health(int fd)
{
    static int asked;
    char body[64];

    asked++;
    (void)snprintf(body, sizeof(body), "{\"status\":\"loading\",\"progress\":0.%d}", asked % 10);
    if (is_named("never") || (is_named("slow") && asked <= 3))
        answer(fd, 503, body);
    else
        answer(fd, 200, "{\"status\":\"ok\"}");
}

static void answer_info(int fd, const char *request)
{
    char body[256];

    if (is_named("dies"))
        (void)raise(SIGKILL);
    if (!strstr(request, token)) {
        answer(fd, 401, "{}");
        return;
    }
    (void)snprintf(body, sizeof(body),
                   "{\"slots\":%s,\"active\":%s,\"queued\":0,\"kv_used_pct\":12.5,"
                   "\"tokens_per_s\":3.5,\"else\":[]}",
                   slots, is_named("busy") ? slots : "0");
    answer(fd, 200, body);
}

static void serve(int listener)
{
    char request[4096];

    while (true) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n = fd < 0 ? -1 : read(fd, request, sizeof(request) - 1);
        request[n > 0 ? n : 0] = '\0';
        if (strncmp(request, "GET /health", 11) == 0)
            answer_health(fd);
        else if (strncmp(request, "GET /info", 9) == 0)
            answer_info(fd, request);
        (void)close(fd);
    }
}

static void have_child(void)
{
    char path[4096];
    pid_t pid = fork();

    if (pid == 0) {
        (void)signal(SIGTERM, SIG_IGN);
        while (true)
            (void)pause();
    }
    (void)snprintf(path, sizeof(path), "%s.pid", model);
    FILE *file = fopen(path, "w");
    if (!file)
        exit(2);
    (void)fprintf(file, "%ld", (long)pid);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    const char *listen_text = "";

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--listen") == 0)
            listen_text = value;
        else if (strcmp(argv[i], "--model") == 0)
            model = value;
        else if (strcmp(argv[i], "--slots") == 0)
            slots = value;
        else if (strcmp(argv[i], "--token-file") == 0)
            read_token(value);
        else if (strcmp(argv[i], "--exit-with-parent") == 0)
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if (is_named("crash")) {
        (void)fprintf(stderr, "loading\nno engine here\n");
        return 69;
    }
    if (is_named("corrupt")) {
        (void)fprintf(stderr, "2026-01-01T00:00:00.000Z ERROR bad model\n"
                              "2026-01-01T00:00:00.001Z INFO  stopped\n");
        return 65;
    }
    if (is_named("dies"))
        (void)fprintf(stderr, "2026-01-01T00:00:00.000Z INFO  ready\n");
    if (is_named("stubborn"))
        (void)signal(SIGTERM, SIG_IGN);
    int listener = listen_on(listen_text);
    if (is_named("parent"))
        have_child();
    serve(listener);
}
