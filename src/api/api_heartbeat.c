/* Heartbeats in: POST /v1/hive-heartbeat, POST /v1/worker-heartbeat. */
#include "api/handlers.h"

#include "api/heartbeat_feed.h"
#include "api/heartbeat_json.h"
#include "api/queen.h"
#include "base/log.h"

/* Every address in a report must lead back to who sent it, or be allowed by name:
 * otherwise a heartbeat could point our requests, and a worker's token, anywhere. */
static int check_address(const struct queen *q, const char *peer, const char *address,
                         const char *what, const char *id, struct err *err)
{
    if (heartbeat_address_ok(address, peer, q->config.worker_addresses,
                             q->config.worker_addresses_len))
        return 0;
    return err_param(err, ERR_FORBIDDEN, "address",
                     "%s '%s' reports the address '%s', but the heartbeat came from '%s'; allow it "
                     "with --allow-worker-address %s",
                     what, id, address, peer, address);
}

/* A report without an address means "where this came from". */
static void fill_address(char address[ADDRESS_SIZE], const char *peer)
{
    if (address[0] == '\0')
        (void)str_copy(address, ADDRESS_SIZE, str_of(peer));
}

static int check_workers(const struct queen *q, struct heartbeat *h, const char *peer,
                         struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < h->workers_len; i++) {
        struct worker_facts *w = &h->workers[i];
        fill_address(w->address, peer);
        rc = worker_facts_check(w, err);
        if (rc == 0)
            rc = check_address(q, peer, w->address, "worker", w->id, err);
    }
    return rc;
}

static int check_hive(const struct queen *q, struct heartbeat *h, const char *peer, struct err *err)
{
    fill_address(h->hive.address, peer);
    int rc = hive_facts_check(&h->hive, err);
    if (rc == 0)
        rc = check_address(q, peer, h->hive.address, "hive", h->hive.id, err);
    if (rc == 0)
        rc = check_workers(q, h, peer, err);
    if (rc == 0)
        rc = registry_check_room(core_registry(q->core), &h->hive, h->workers, h->workers_len, err);
    return rc;
}

static void peer_host(const struct http_request *req, char host[ENDPOINT_HOST_SIZE])
{
    struct endpoint peer;

    http_request_peer(req, &peer);
    (void)str_copy(host, ENDPOINT_HOST_SIZE, str_of(peer.is_unix ? "127.0.0.1" : peer.host));
}

static void refuse(struct http_request *req, const char *peer, const struct err *err)
{
    log_warn("heartbeat refused", LOG_STR("peer", peer), LOG_ERR(err));
    http_reply_error(req, err);
}

static void reply_ok(struct http_request *req)
{
    http_reply(req, 200, "application/json",
               str_of("{\"status\":\"ok\",\"message\":\"heartbeat received\"}"));
}

void api_hive_heartbeat(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    char peer[ENDPOINT_HOST_SIZE];
    struct heartbeat h = { 0 };
    struct err err;

    peer_host(req, peer);
    int rc = heartbeat_parse_hive(http_request_body(req), &h, &err);
    if (rc == 0)
        rc = check_hive(q, &h, peer, &err);
    if (rc < 0) {
        heartbeat_free(&h);
        refuse(req, peer, &err);
        return;
    }
    struct core_event event = {
        .kind = CORE_HIVE_REPORT,
        .u.report = { .hive = &h.hive, .workers = h.workers, .workers_len = h.workers_len },
    };
    queen_event(q, &event);
    heartbeat_feed_hive(q->feed, &h.hive, h.workers, h.workers_len);

    const struct hive *hive = registry_hive(core_registry(q->core), h.hive.id);
    if (hive && !hive->facts.has_capabilities) {
        (void)err_set(&err, ERR_CAPABILITIES_WANTED,
                      "send 'capabilities' and 'models' of hive '%s' with the next heartbeat",
                      h.hive.id);
        http_reply_error(req, &err);
    } else {
        reply_ok(req);
    }
    heartbeat_free(&h);
}

void api_worker_heartbeat(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    char peer[ENDPOINT_HOST_SIZE];
    struct heartbeat h = { 0 };
    struct err err;

    peer_host(req, peer);
    int rc = heartbeat_parse_worker(http_request_body(req), &h, &err);
    if (rc == 0)
        rc = check_workers(q, &h, peer, &err);
    if (rc == 0)
        rc = registry_check_room(core_registry(q->core), NULL, h.workers, h.workers_len, &err);
    if (rc < 0) {
        refuse(req, peer, &err);
    } else {
        struct core_event event = {
            .kind = CORE_WORKER_REPORT,
            .u.report = { .workers = h.workers, .workers_len = h.workers_len },
        };
        queen_event(q, &event);
        reply_ok(req);
    }
    heartbeat_free(&h);
}
