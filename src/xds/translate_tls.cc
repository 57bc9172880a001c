#include <fmt/format.h>

#include "net/tls_config.h"
#include "net/tls_context.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

using net::TlsContextConfig;

constexpr std::string_view kSpiffe = "envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig";

// ---- parameters ---------------------------------------------------------------------------------------------------

net::TlsVersion version_of(const std::string& name) {
  static const std::map<std::string, net::TlsVersion> kVersions = {{"TLSv1_0", net::TlsVersion::Tls1_0},
                                                                   {"TLSv1_1", net::TlsVersion::Tls1_1},
                                                                   {"TLSv1_2", net::TlsVersion::Tls1_2},
                                                                   {"TLSv1_3", net::TlsVersion::Tls1_3}};
  const auto found = kVersions.find(name);
  return found == kVersions.end() ? net::TlsVersion::Auto : found->second;
}

void translate_parameters(const View& view, net::TlsRole role, TlsContextConfig& tls) {
  if (!view) return;
  tls.min_version = version_of(view.choice("tls_minimum_protocol_version"));
  tls.max_version = version_of(view.choice("tls_maximum_protocol_version"));
  const net::TlsVersion least = tls.min_version == net::TlsVersion::Auto ? net::TlsVersion::Tls1_2 : tls.min_version;
  const net::TlsVersion default_most = role == net::TlsRole::Server ? net::TlsVersion::Tls1_3 : net::TlsVersion::Tls1_2;
  const net::TlsVersion most = tls.max_version == net::TlsVersion::Auto ? default_most : tls.max_version;
  if (least > most) {
    const bool has_maximum = tls.max_version != net::TlsVersion::Auto;
    view.fault(has_maximum ? "tls_maximum_protocol_version" : "tls_minimum_protocol_version",
               has_maximum ? "must be at least tls_minimum_protocol_version"
                           : "must be at most tls_maximum_protocol_version, which is TLSv1_2 for clients unless given");
  }
  tls.cipher_suites = view.texts("cipher_suites");
  tls.ecdh_curves = view.texts("ecdh_curves");
  tls.signature_algorithms = view.texts("signature_algorithms");
}

// ---- certificates -------------------------------------------------------------------------------------------------

/// A file or text that decides who is trusted. An empty one would trust nobody, or, read as absent, everybody.
std::optional<Data> trust_data(const View& view, std::string_view field) {
  auto data = translate_data(view, field);
  if (data && data->bytes.empty()) view.fault(field, data->source + ": is empty");
  return data;
}

net::TlsCertificate translate_certificate(const View& view) {
  net::TlsCertificate certificate;
  const auto chain = translate_data(view, "certificate_chain");
  const auto key = translate_data(view, "private_key");
  const auto bundle = translate_data(view, "pkcs12");
  if (chain) certificate.chain_pem = chain->bytes;
  if (key) certificate.key_pem = key->bytes;
  if (bundle) certificate.pkcs12 = bundle->bytes;
  if (bundle && (chain || key)) view.fault("pkcs12", "may not be given beside certificate_chain and private_key");
  if (!bundle && !view.has("certificate_chain")) view.absent("certificate_chain", "is required");
  if (!bundle && !view.has("private_key")) view.absent("private_key", "is required");
  certificate.source = chain ? chain->source : bundle ? bundle->source : certificate.source;
  if (const auto password = translate_data(view, "password")) certificate.password = password->bytes;
  if (const auto staple = translate_data(view, "ocsp_staple")) certificate.ocsp_staple = staple->bytes;
  return certificate;
}

/// The secret of static_resources that a configuration names without saying where to get it.
View static_secret(const View& reference, Translation& run, std::string_view field) {
  const std::string name = reference.text("name");
  if (reference.holds("sds_config"))
    return {};  // stays unread, so refused: only secrets of static_resources are implemented
  const auto found = run.secrets.find(name);
  if (found == run.secrets.end()) {
    if (!name.empty()) reference.fault("name", fmt::format("{}: no such secret in static_resources", in_quotes(name)));
    return {};
  }
  run.used_secrets.insert(name);
  const View secret = found->second.message(field);
  if (!secret) reference.fault("name", fmt::format("{}: this secret has no {}", in_quotes(name), field));
  return secret;
}

// ---- how the peer is verified ---------------------------------------------------------------------------------------

class RegexSan final : public net::SanPattern {
 public:
  explicit RegexSan(std::shared_ptr<const proxy::Regex> regex) : regex_(std::move(regex)) {}
  bool matches(std::string_view name) const override { return regex_->full_match(name); }

 private:
  const std::shared_ptr<const proxy::Regex> regex_;
};

net::SanMatcher translate_san(const View& string_matcher) {
  const proxy::StringMatcher source = translate_string_matcher(string_matcher);
  using Kind = net::SanMatcher::Kind;
  net::SanMatcher matcher;
  switch (source.kind) {
    case proxy::StringMatcher::Kind::Exact: matcher.kind = Kind::Exact; break;
    case proxy::StringMatcher::Kind::Prefix: matcher.kind = Kind::Prefix; break;
    case proxy::StringMatcher::Kind::Suffix: matcher.kind = Kind::Suffix; break;
    case proxy::StringMatcher::Kind::Contains: matcher.kind = Kind::Contains; break;
    case proxy::StringMatcher::Kind::Regex: matcher.kind = Kind::Regex; break;
  }
  matcher.value = source.value;
  matcher.ignore_case = source.ignore_case;
  if (source.regex) matcher.pattern = std::make_shared<RegexSan>(source.regex);
  return matcher;
}

void translate_san_matchers(const View& view, TlsContextConfig& tls) {
  static const std::map<std::string, net::SanType> kTypes = {{"EMAIL", net::SanType::Email},
                                                             {"DNS", net::SanType::Dns},
                                                             {"URI", net::SanType::Uri},
                                                             {"IP_ADDRESS", net::SanType::IpAddress},
                                                             {"OTHER_NAME", net::SanType::OtherName}};
  for (const View& typed : view.messages("match_typed_subject_alt_names")) {
    net::SanMatcher matcher = translate_san(typed.message("matcher"));
    const auto type = kTypes.find(typed.choice("san_type"));
    if (type != kTypes.end()) matcher.type = type->second;
    matcher.oid = typed.text("oid");
    if (matcher.type == net::SanType::OtherName && matcher.oid.empty())
      typed.absent("oid", "is required with OTHER_NAME");
    tls.peer.san_matchers.push_back(std::move(matcher));
  }
  for (const View& untyped : view.messages("match_subject_alt_names"))
    tls.peer.san_matchers.push_back(translate_san(untyped));
}

void translate_spiffe(const View& view, TlsContextConfig& tls) {
  for (const View& domain : view.messages("trust_domains")) {
    net::SpiffeTrustDomain trust;
    trust.name = domain.text("name");
    if (trust.name.find_first_of(":/") != std::string::npos)
      domain.fault("name", fmt::format("{}: is the name alone, as example.org", in_quotes(trust.name)));
    const auto bundle = trust_data(domain, "trust_bundle");
    if (!domain.has("trust_bundle")) domain.absent("trust_bundle", "is required");
    for (const net::SpiffeTrustDomain& other : tls.spiffe_trust_domains) {
      if (other.name == trust.name) domain.fault("name", fmt::format("{}: given twice", in_quotes(trust.name)));
    }
    if (!bundle) continue;
    trust.bundle_pem = bundle->bytes;
    trust.source = bundle->source;
    tls.spiffe_trust_domains.push_back(std::move(trust));
  }
}

/// The operating system's bundle, where Debian and its relatives keep it, then where others do.
void use_system_roots(const View& view, TlsContextConfig& tls);

void translate_validation(const View& view, TlsContextConfig& tls) {
  if (const auto ca = trust_data(view, "trusted_ca")) {
    tls.trusted_ca_pem = ca->bytes;
    tls.trusted_ca_source = ca->source;
  }
  if (view.has("system_root_certs")) use_system_roots(view, tls);
  if (const auto crl = trust_data(view, "crl")) {
    tls.crl_pem = crl->bytes;
    tls.crl_source = crl->source;
  }
  tls.only_verify_leaf_cert_crl = view.flag("only_verify_leaf_cert_crl");
  tls.verify_certificate_hash = view.texts("verify_certificate_hash");
  tls.verify_certificate_spki = view.texts("verify_certificate_spki");
  tls.allow_expired_certificate = view.flag("allow_expired_certificate");
  tls.accept_untrusted = view.choice("trust_chain_verification") == "ACCEPT_UNTRUSTED";
  if (const auto depth = view.wrapped_number("max_verify_depth")) tls.max_verify_depth = static_cast<uint32_t>(*depth);
  if (flag_or(view, "require_signed_certificate_timestamp", false))
    view.fault("require_signed_certificate_timestamp", "true: not implemented by Weft");
  translate_san_matchers(view, tls);
  if (const View custom = view.message("custom_validator_config")) {
    custom.accept("name", kNameless);
    const View payload = required_payload(custom, "typed_config");
    if (payload && payload.type() == kSpiffe) translate_spiffe(payload, tls);
    if (payload && payload.type() != kSpiffe) refuse_type(payload, "SPIFFECertValidatorConfig is");
  }
}

void use_system_roots(const View& view, TlsContextConfig& tls) {
  view.message("system_root_certs");
  if (!tls.trusted_ca_pem.empty()) return view.fault("system_root_certs", "may not be given beside trusted_ca");
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    auto bytes = read_file(path);
    if (!bytes) continue;
    tls.trusted_ca_pem = std::move(*bytes);
    tls.trusted_ca_source = path;
    return;
  }
  view.fault("system_root_certs", "this system has no bundle of certificate authorities");
}

/// What has no meaning, or a false one, where nobody is trusted. `contexts`: the parts of one validation context.
void refuse_without_anchor(const std::vector<View>& contexts) {
  const auto trusts = [](const View& view) {
    return view.has("trusted_ca") || view.has("system_root_certs") || view.has("custom_validator_config");
  };
  if (std::any_of(contexts.begin(), contexts.end(), trusts)) return;
  for (const View& view : contexts) {
    for (const char* field : {"match_typed_subject_alt_names", "match_subject_alt_names"})
      if (view.has(field)) view.fault(field, "names are worth nothing without trusted_ca: anyone can sign them");
    for (const char* field : {"crl", "allow_expired_certificate"})
      if (view.has(field)) view.fault(field, "needs trusted_ca: without it no chain is looked at");
  }
}

// ---- both roles ---------------------------------------------------------------------------------------------------

void translate_common(const View& view, net::TlsRole role, Translation& run, TlsContextConfig& tls) {
  translate_parameters(view.message("tls_params"), role, tls);
  for (const View& certificate : view.messages("tls_certificates"))
    tls.certificates.push_back(translate_certificate(certificate));
  for (const View& reference : view.messages("tls_certificate_sds_secret_configs")) {
    if (const View secret = static_secret(reference, run, "tls_certificate"))
      tls.certificates.push_back(translate_certificate(secret));
  }
  tls.alpn = view.texts("alpn_protocols");
  std::vector<View> contexts;
  const auto add = [&](View context) {
    if (!context) return;
    translate_validation(context, tls);
    contexts.push_back(std::move(context));
  };
  add(view.message("validation_context"));
  if (const View reference = view.message("validation_context_sds_secret_config"))
    add(static_secret(reference, run, "validation_context"));
  if (const View combined = view.message("combined_validation_context")) {
    // The secret's fields override those given here; lists are joined.
    add(combined.message("default_validation_context"));
    add(static_secret(combined.message("validation_context_sds_secret_config"), run, "validation_context"));
  }
  refuse_without_anchor(contexts);
}

/// Builds the context once, so that a bad certificate is told with the other faults.
void prove(const View& view, const TlsContextConfig& tls, net::TlsRole role) {
  const auto context = net::TlsContext::make(tls, role);
  if (!context) view.fault("common_tls_context", context.error().message);
}

}  // namespace

std::shared_ptr<const TlsContextConfig> translate_downstream_tls(const View& view, Translation& run,
                                                                 std::string scope) {
  auto tls = std::make_shared<TlsContextConfig>();
  const size_t faults_before = view.fault_count();
  translate_common(view.message("common_tls_context"), net::TlsRole::Server, run, *tls);
  tls->peer.session_scope = std::move(scope);
  if (tls->certificates.empty()) view.absent("common_tls_context", "a server needs at least one of tls_certificates");
  tls->require_client_certificate = flag_or(view, "require_client_certificate", false);
  if (flag_or(view, "require_sni", false))
    view.fault("require_sni", "true: not implemented by Weft; match server_names instead");
  tls->session_ticket_keys = translate_data_list(view.message("session_ticket_keys"), "keys");
  tls->disable_stateless_session_resumption = view.flag("disable_stateless_session_resumption");
  tls->disable_stateful_session_resumption = view.flag("disable_stateful_session_resumption");
  tls->session_timeout = view.duration("session_timeout");
  const std::string policy = view.choice("ocsp_staple_policy");
  tls->ocsp_staple_policy = policy == "MUST_STAPLE"       ? net::OcspStaplePolicy::Must
                            : policy == "STRICT_STAPLING" ? net::OcspStaplePolicy::Strict
                                                          : net::OcspStaplePolicy::Lenient;
  tls->full_scan_certs_on_sni_mismatch = flag_or(view, "full_scan_certs_on_sni_mismatch", false);
  if (view.fault_count() == faults_before) prove(view, *tls, net::TlsRole::Server);
  return tls;
}

void translate_upstream_tls(const View& view, Translation& run, proxy::ClusterConfig& cluster) {
  auto tls = std::make_shared<TlsContextConfig>();
  const size_t faults_before = view.fault_count();
  const View common = view.message("common_tls_context");
  translate_common(common, net::TlsRole::Client, run, *tls);
  tls->peer.session_scope = cluster.name;
  if (tls->certificates.size() > 1)
    common.fault("tls_certificates", fmt::format("{} items: a client has at most 1", tls->certificates.size()));
  cluster.sni = view.text("sni");
  tls->allow_renegotiation = view.flag("allow_renegotiation");
  tls->max_session_keys = number_or(view, "max_session_keys", 1);
  tls->enforce_rsa_key_usage = flag_or(view, "enforce_rsa_key_usage", false);
  if (view.fault_count() == faults_before) prove(view, *tls, net::TlsRole::Client);
  cluster.tls = std::move(tls);
}

}  // namespace weft::xds
