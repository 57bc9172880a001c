// Purpose: owners for OpenSSL's objects, its error queue as text, and its start-up. Private to net's tls_* files.
// Thread:  any (the error queue is the calling thread's).
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace weft::net {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

inline void free_x509_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
inline void free_info_stack(STACK_OF(X509_INFO) * stack) { sk_X509_INFO_pop_free(stack, X509_INFO_free); }
inline void free_name_stack(STACK_OF(X509_NAME) * stack) { sk_X509_NAME_pop_free(stack, X509_NAME_free); }

using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using X509StackPtr = std::unique_ptr<STACK_OF(X509), OpensslFree<free_x509_stack>>;
using X509InfoStackPtr = std::unique_ptr<STACK_OF(X509_INFO), OpensslFree<free_info_stack>>;
using X509NameStackPtr = std::unique_ptr<STACK_OF(X509_NAME), OpensslFree<free_name_stack>>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
using X509StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using EvpMdCtxPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using OcspResponsePtr = std::unique_ptr<OCSP_RESPONSE, OpensslFree<OCSP_RESPONSE_free>>;
using OcspBasicPtr = std::unique_ptr<OCSP_BASICRESP, OpensslFree<OCSP_BASICRESP_free>>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, OpensslFree<PKCS12_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;

/// Starts OpenSSL without the machine's openssl.cnf: the same configuration means the same everywhere.
void start_openssl();

/// A read-only BIO of bytes that outlive it.
BioPtr bio_of(std::string_view bytes);
/// What was written to a memory BIO.
std::string bio_text(BIO* bio);

/// Empties the error queue; returns the reason of its last entry in OpenSSL's words ("bad end line").
std::string take_openssl_reason();
/// Empties the error queue into Envoy's form without the end: "TLS_error:|<code>:SSL routines:OPENSSL_internal:
/// CERTIFICATE_VERIFY_FAILED"; "" when the queue is empty.
std::string take_openssl_errors();

time_t to_time_t(base::WallTime time);

}  // namespace weft::net
