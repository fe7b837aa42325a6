/* A crowd of viewers: many Server-Sent Events streams in one epoll loop.
 *
 *   crowd PORT STREAMS PATHS COME_BACK [HEADER...]
 *
 * PATHS names a file with one request path a line; stream i asks for line i, modulo their number. COME_BACK is 1 for
 * viewers that connect again when their stream ends, after the time that the server's last `retry:` gave.
 *
 * Says "open" on standard error when every stream has been answered, "again N" when N have come back, and "quiet" when
 * nothing has come for half a second. Ends when its standard input ends, and prints what it saw as one line of JSON:
 *   ok, refused   streams answered 200 and otherwise; again: streams that came back
 *   events        data lines that are no stream-open; ends: of those, the ones named `complete`
 *   ended         streams that saw an end at least once; fewest: events of the stream that saw the fewest
 *   bytes         received; p50_ms, p99_ms, max_ms from the "ts" in the data to its arrival
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 17, LONGEST_REQUEST = 16384, AT_ONCE = 256, A_PORT_RANGE = 20000, LATENCIES = 1 << 24 };

typedef struct {
    int fd, status, is_end, is_open_event, ended, retry_ms;
    long events;
    char *rest; /* the part of a line that came before the rest of it */
    int rest_length;
    double due; /* when to connect again, 0 when connected */
} Viewer;

static int port, total, come_back, header_count;
static char **headers, **paths;
static int path_count;
static Viewer *viewers;
static float *latencies;
static long latency_count, events, ends, bytes, ok, refused, again;
static int queue, opening;

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void read_paths(const char *file) {
    static char line[LONGEST_REQUEST];
    FILE *lines = fopen(file, "r");
    if (!lines) { perror(file); exit(2); }
    while (fgets(line, sizeof line, lines)) {
        line[strcspn(line, "\r\n")] = 0;
        paths = realloc(paths, (path_count + 1) * sizeof *paths);
        paths[path_count++] = strdup(line);
    }
    fclose(lines);
}

/* One source address has only so many ports: the crowd comes from several. */
static int connect_from(int index) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / A_PORT_RANGE)};
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    if (bind(fd, (void *)&from, sizeof from) || connect(fd, (void *)&to, sizeof to)) { close(fd); return -1; }
    return fd;
}

static void come_later(Viewer *v) {
    int most = v->retry_ms ? v->retry_ms : 3000;
    v->due = now(CLOCK_MONOTONIC) + most / 1e3;
}

static void open_stream(int index) {
    static char request[LONGEST_REQUEST];
    Viewer *v = &viewers[index];
    v->status = v->rest_length = 0;
    v->due = 0;
    v->fd = connect_from(index);
    if (v->fd < 0) {
        if (come_back) come_later(v); else { refused++; v->status = -1; }
        return;
    }
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n",
                     paths[index % path_count], port);
    for (int i = 0; i < header_count; i++) n += snprintf(request + n, sizeof request - n, "%s\r\n", headers[i]);
    n += snprintf(request + n, sizeof request - n, "\r\n");
    if (write(v->fd, request, n) != n) perror("write");
    struct epoll_event interest = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(queue, EPOLL_CTL_ADD, v->fd, &interest);
    opening++;
}

static void close_stream(Viewer *v) {
    if (!v->status) { opening--; if (!come_back) refused++; }
    close(v->fd);
    v->fd = -1;
    if (come_back) come_later(v); else v->status = -1;
}

static void take_data(Viewer *v, const char *line, const char *end, double at) {
    if (v->is_open_event) return;
    v->events++; events++;
    if (v->is_end) { ends++; v->ended = 1; }
    const char *mark = memmem(line, end - line, "\"ts\":", 5);
    if (mark && v->events > 1 && latency_count < LATENCIES) /* the first is the present state, however old */  {
        double ms = (at - strtod(mark + 5, NULL)) * 1e3;
        latencies[latency_count++] = ms > 0 ? ms : 0;
    }
}

static void take_line(Viewer *v, const char *line, const char *end, double at) {
    int n = end - line;
    if (n > 6 && !memcmp(line, "data: ", 6)) take_data(v, line + 6, end, at);
    else if (n > 7 && !memcmp(line, "event: ", 7)) {
        v->is_end = n >= 15 && !memcmp(line + 7, "complete", 8);
        v->is_open_event = n >= 18 && !memcmp(line + 7, "stream-open", 11);
    } else if (n > 7 && !memcmp(line, "retry: ", 7)) v->retry_ms = atoi(line + 7);
    else if (!v->status && n > 12 && !memcmp(line, "HTTP/1.1 ", 9)) {
        v->status = atoi(line + 9);
        opening--;
        if (v->status != 200) refused++;
        else if (v->events || v->ended || v->retry_ms) again++;
        else ok++;
    }
}

static void take(Viewer *v, char *buffer, int n) {
    double at = now(CLOCK_REALTIME);
    char *line = buffer, *end = buffer + n, *stop;
    while ((stop = memchr(line, '\n', end - line))) {
        *stop = 0;
        take_line(v, line, stop, at);
        line = stop + 1;
    }
    v->rest_length = end - line;
    v->rest = realloc(v->rest, v->rest_length);
    memcpy(v->rest, line, v->rest_length);
    if (!v->rest_length) { free(v->rest); v->rest = NULL; }
}

static void read_stream(Viewer *v) {
    static char buffer[1 << 22];
    memcpy(buffer, v->rest, v->rest_length);
    int n = read(v->fd, buffer + v->rest_length, CHUNK);
    if (n <= 0) { close_stream(v); return; }
    bytes += n;
    take(v, buffer, v->rest_length + n);
}

static void reconnect_due(void) {
    double at = now(CLOCK_MONOTONIC);
    static long told;
    for (int i = 0; i < total && opening < AT_ONCE; i++)
        if (viewers[i].due && viewers[i].due <= at) open_stream(i);
    if (again != told) fprintf(stderr, "again %ld\n", told = again);
}

static int ascending(const void *a, const void *b) { return (*(float *)a > *(float *)b) - (*(float *)a < *(float *)b); }

static void print(void) {
    long ended = 0, fewest = total ? viewers[0].events : 0;
    for (int i = 0; i < total; i++) { ended += viewers[i].ended; if (viewers[i].events < fewest) fewest = viewers[i].events; }
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    float none = 0, *sorted = latency_count ? latencies : &none;
    long last = latency_count ? latency_count - 1 : 0;
    printf("{\"ok\":%ld,\"refused\":%ld,\"again\":%ld,\"events\":%ld,\"ends\":%ld,\"ended\":%ld,\"fewest\":%ld,"
           "\"bytes\":%ld,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
           ok, refused, again, events, ends, ended, fewest, bytes, sorted[last / 2], sorted[(long)(last * 0.99)], sorted[last]);
}

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "usage: crowd PORT STREAMS PATHS COME_BACK [HEADER...]\n"); return 2; }
    port = atoi(argv[1]); total = atoi(argv[2]); read_paths(argv[3]); come_back = atoi(argv[4]);
    headers = argv + 5; header_count = argc - 5;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    viewers = calloc(total, sizeof *viewers);
    latencies = malloc(LATENCIES * sizeof *latencies);
    queue = epoll_create1(0);
    struct epoll_event happened[512];
    struct pollfd input = {.fd = 0, .events = POLLIN};
    int next = 0, told = 0, quiet = 1;
    double came = 0;
    for (;;) {
        while (next < total && opening < AT_ONCE) open_stream(next++);
        if (come_back) reconnect_due();
        int n = epoll_wait(queue, happened, 512, 20);
        for (int i = 0; i < n; i++) read_stream(&viewers[happened[i].data.u32]);
        if (n) { came = now(CLOCK_MONOTONIC); quiet = 0; }
        else if (!quiet && now(CLOCK_MONOTONIC) - came > 0.5) { fprintf(stderr, "quiet\n"); quiet = 1; }
        if (!told && next == total && !opening) { fprintf(stderr, "open\n"); told = 1; }
        if (poll(&input, 1, 0) > 0) break;
    }
    print();
    return 0;
}
