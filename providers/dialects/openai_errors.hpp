// openai_errors.hpp -- the words for errors of OpenAI and of who speaks like it.
//
// Sources: OpenAI, "Error codes" and "Troubleshooting API usage and spend
// limits"; the `error` of the Response object; Azure's content filter;
// OpenRouter, "Errors"; the error types of vLLM and llama.cpp.
//
// Pure.

#pragma once

#include "providers/dialects/common.hpp"

#include <array>

namespace providers::dialects {

inline constexpr std::array openai_errors{
    // Billing: status 429, but no waiting helps.
    meaning{"insufficient_quota", finding::no_credit},
    meaning{"credit_balance_exhausted", finding::no_credit},
    meaning{"organization_usage_limit_exceeded", finding::no_credit},
    meaning{"organization_spend_limit_exceeded", finding::no_credit},
    meaning{"project_spend_limit_exceeded", finding::no_credit},
    meaning{"billing_hard_limit_reached", finding::no_credit},
    meaning{"billing_not_active", finding::no_credit},
    meaning{"rate_limit_exceeded", finding::rate_limited},
    meaning{"slow_down", finding::rate_limited},
    meaning{"rate_limit_error", finding::rate_limited},
    meaning{"server_is_overloaded", finding::overloaded},
    meaning{"overloaded_error", finding::overloaded},
    meaning{"server_error", finding::service_error},
    meaning{"internal_error", finding::service_error},
    meaning{"unavailable_error", finding::service_error},
    meaning{"vector_store_timeout", finding::timed_out},
    meaning{"invalid_api_key", finding::key_invalid},
    meaning{"authentication_error", finding::key_invalid},
    meaning{"unsupported_country_region_territory", finding::key_forbidden},
    meaning{"model_not_found", finding::no_such_model},
    meaning{"context_length_exceeded", finding::too_large},
    meaning{"exceed_context_size_error", finding::too_large},
    meaning{"string_above_max_length", finding::too_large},
    // "Your prompt was flagged": the reasoning models' filter.
    meaning{"invalid_prompt", finding::refusal},
    meaning{"content_policy_violation", finding::refusal},
    meaning{"content_filter", finding::refusal},
};

} // namespace providers::dialects
