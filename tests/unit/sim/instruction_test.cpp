// Instructions by their bytes: what is charged, and what only looks like it.
#include "bench/sim/model/instruction.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "bench/sim/model/charges.hpp"

namespace shoal::sim {
namespace {

Instruction decode_bytes(std::initializer_list<uint8_t> code) {
    return decode(std::vector<uint8_t>(code));
}

Operation operation(std::initializer_list<uint8_t> code) { return decode_bytes(code).operation; }

TEST(Decode, PrivilegedInstructions) {
    EXPECT_EQ(operation({0x48, 0xcf}), Operation::ExceptionReturn);
    EXPECT_EQ(operation({0xcf}), Operation::ExceptionReturn);
    EXPECT_EQ(operation({0x0f, 0x05}), Operation::SystemCall);
    EXPECT_EQ(operation({0x48, 0x0f, 0x07}), Operation::SystemReturn);
    EXPECT_EQ(operation({0x0f, 0x30}), Operation::WriteMsr);
    EXPECT_EQ(operation({0x0f, 0xa2}), Operation::Cpuid);
}

TEST(Decode, OnlyCr3IsALoadOfTables) {
    EXPECT_EQ(operation({0x0f, 0x22, 0xd8}), Operation::LoadCr3);         // mov %rax, %cr3
    EXPECT_EQ(operation({0x41, 0x0f, 0x22, 0xd9}), Operation::LoadCr3);   // mov %r9, %cr3
    EXPECT_EQ(operation({0x0f, 0x22, 0xe0}), Operation::Ordinary);        // mov %rax, %cr4
    EXPECT_EQ(operation({0x0f, 0x20, 0xd8}), Operation::Ordinary);        // mov %cr3, %rax
}

TEST(Decode, FlushesOfAPage) {
    EXPECT_EQ(operation({0x0f, 0x01, 0x38}), Operation::FlushPage);              // invlpg (%rax)
    EXPECT_EQ(operation({0x66, 0x0f, 0x38, 0x82, 0x08}), Operation::FlushPage);  // invpcid
    EXPECT_EQ(operation({0x0f, 0x01, 0xf8}), Operation::Ordinary);               // swapgs
    EXPECT_EQ(operation({0x0f, 0x01, 0x18}), Operation::Ordinary);               // lidt (%rax)
    EXPECT_EQ(operation({0x66, 0x0f, 0x38, 0x00, 0xc1}), Operation::Ordinary);   // pshufb
}

TEST(Decode, StringOperationsBySize) {
    const auto bytes = [](std::initializer_list<uint8_t> code) {
        const Instruction instruction = decode_bytes(code);
        EXPECT_EQ(instruction.operation, Operation::StringStep);
        return instruction.string_bytes;
    };
    EXPECT_EQ(bytes({0xf3, 0xaa}), 1);              // rep stosb
    EXPECT_EQ(bytes({0xf3, 0x66, 0xab}), 2);        // rep stosw
    EXPECT_EQ(bytes({0xf3, 0xab}), 4);              // rep stosl
    EXPECT_EQ(bytes({0xf3, 0x48, 0xab}), 8);        // rep stosq
    EXPECT_EQ(bytes({0xf3, 0x48, 0xa5}), 8);        // rep movsq
    EXPECT_EQ(bytes({0xf3, 0x48, 0xa4}), 1);        // rep movsb
    EXPECT_EQ(operation({0x48, 0xab}), Operation::Ordinary);        // stosq alone
    EXPECT_EQ(operation({0xf3, 0x48, 0xa7}), Operation::Ordinary);  // rep cmpsq
}

TEST(Decode, CallsAndReturns) {
    EXPECT_EQ(operation({0xe8, 0, 0, 0, 0}), Operation::Call);
    EXPECT_EQ(operation({0xff, 0xd0}), Operation::Call);              // call *%rax
    EXPECT_EQ(operation({0x41, 0xff, 0x14, 0x24}), Operation::Call);  // call *(%r12)
    EXPECT_EQ(operation({0xff, 0xe0}), Operation::Ordinary);          // jmp *%rax
    EXPECT_EQ(operation({0xc3}), Operation::Return);
    EXPECT_EQ(operation({0xf3, 0xc3}), Operation::Return);
    EXPECT_EQ(operation({0xc2, 0x08, 0x00}), Operation::Return);
}

TEST(Decode, NothingButPrefixes) { EXPECT_EQ(operation({0xf3, 0x48}), Operation::Ordinary); }

TEST(DecodeMark, ByDisplacement) {
    const std::vector<uint8_t> begin{0x0f, 0x1f, 0x84, 0x00, 0x01, 0x00, 0xed, 0x5e};
    EXPECT_EQ(decode_mark(begin), Mark::StretchBegin);
    std::vector<uint8_t> other = begin;
    other[4] = 4;
    EXPECT_EQ(decode_mark(other), Mark::MeasureOff);
    other[4] = 5;
    EXPECT_EQ(decode_mark(other), std::nullopt);
}

TEST(DecodeMark, OrdinaryNopsAreNone) {
    const std::vector<uint8_t> padding{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00};
    const std::vector<uint8_t> shorter{0x0f, 0x1f, 0x84, 0x00};
    EXPECT_EQ(decode_mark(padding), std::nullopt);
    EXPECT_EQ(decode_mark(shorter), std::nullopt);
}

TEST(Charges, WhatTheModelSays) {
    const Charges charges;
    EXPECT_EQ(charges.of(Operation::Ordinary), 1U);
    EXPECT_EQ(charges.of(Operation::Call), 1U);
    EXPECT_EQ(charges.of(Operation::StringStep), 0U);
    EXPECT_EQ(charges.of(Operation::ExceptionReturn), 500U);
    EXPECT_EQ(charges.of(Operation::SystemCall) + charges.of(Operation::SystemReturn), 120U);
    EXPECT_EQ(charges.of(Operation::LoadCr3), 200U);
}

}  // namespace
}  // namespace shoal::sim
