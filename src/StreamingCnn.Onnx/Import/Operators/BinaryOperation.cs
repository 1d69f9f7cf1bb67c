using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>An operator of two values.</summary>
/// <param name="Operator">Its name in files.</param>
/// <param name="Function">What it computes; it may not change its arguments.</param>
/// <param name="Kept">Maps that autograd keeps of it besides operands and output.</param>
internal sealed record BinaryOperation(string Operator, Func<Tensor, Tensor, Tensor> Function, int Kept = 0)
{
    /// <summary>Whether the operands come in the opposite order.</summary>
    public bool IsSwapped { get; private init; }

    /// <summary>The same of operands in the opposite order.</summary>
    public BinaryOperation Swapped => this with { Function = (a, b) => Function(b, a), IsSwapped = !IsSwapped };

    /// <summary>All of them.</summary>
    public static readonly BinaryOperation[] All =
    [
        new("Add", (a, b) => a.Plus(b)),
        new("Sum", (a, b) => a.Plus(b)),
        new("Sub", (a, b) => a - b),
        new("Mul", (a, b) => a * b),
        new("Div", (a, b) => a / b),
        // A power of 2 keeps less, and has a gradient at 0 and below.
        new("Pow", (a, b) => b.numel() == 1 && !b.requires_grad ? a.Power(b.to(ScalarType.Float64).item<double>()) : a.pow(b), Kept: 1),
        new("Min", (a, b) => a.minimum(b), Kept: 1),
        new("Max", (a, b) => a.maximum(b), Kept: 1),
    ];
}
