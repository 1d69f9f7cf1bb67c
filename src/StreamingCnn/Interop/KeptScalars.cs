using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Operations whose numbers stay alive while libtorch reads them. TorchSharp 0.107 makes a finalizable object of every number, also of the
/// hidden factor 1 of <c>a + b</c> and <c>a.add_(b)</c>, and nothing refers to it once the call has begun: a garbage collection at that
/// moment frees what libtorch is about to read. The operation then fails with "Expected false to be true", or computes with another number.
/// It is rare, a few times in a million operations while collections go on, but training does millions. So numbers in the library are
/// either held here or by a <c>using</c> around the operation.
/// </summary>
internal static class KeptScalars
{
    private static readonly Scalar One = 1;

    /// <summary><c>sum += part</c>, in place.</summary>
    public static Tensor Accumulate(this Tensor sum, Tensor part) => sum.add_(part, One);

    /// <summary><c>left + right</c>.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary><c>sum += number</c>, in place.</summary>
    public static Tensor Accumulate(this Tensor sum, long number)
    {
        using Scalar kept = number;
        return sum.add_(kept, One);
    }

    /// <summary><c>value + left * right</c>, in one pass.</summary>
    public static Tensor PlusProduct(this Tensor value, Tensor left, Tensor right) => value.addcmul(left, right, One);

    /// <summary><c>value * factor</c>.</summary>
    public static Tensor Times(this Tensor value, double factor)
    {
        using Scalar kept = factor;
        return value.mul(kept);
    }

    /// <inheritdoc cref="Times(Tensor, double)"/>
    public static Tensor Times(this Tensor value, long factor)
    {
        using Scalar kept = factor;
        return value.mul(kept);
    }

    /// <summary><c>value + number</c>.</summary>
    public static Tensor Plus(this Tensor value, long number)
    {
        using Scalar kept = number;
        return value.add(kept, One);
    }

    /// <inheritdoc cref="Plus(Tensor, long)"/>
    public static Tensor Plus(this Tensor value, double number)
    {
        using Scalar kept = number;
        return value.add(kept, One);
    }

    /// <summary><c>value ^ exponent</c>.</summary>
    public static Tensor Power(this Tensor value, double exponent)
    {
        using Scalar kept = exponent;
        return value.pow(kept);
    }

    /// <summary><c>value value</c>.</summary>
    public static Tensor Squared(this Tensor value) => value.mul(value);

    /// <summary>The numbers from one to another, which is left out.</summary>
    public static Tensor Range(long start, long end, ScalarType type, Device device)
    {
        using Scalar first = start, behind = end;
        return arange(first, behind, One, type, device);
    }

    /// <summary>A tensor of which every value becomes a number.</summary>
    public static Tensor Filled(this Tensor value, double number)
    {
        using Scalar kept = number;
        return value.fill_(kept);
    }

    /// <summary>The larger of value and bound.</summary>
    public static Tensor NoLessThan(this Tensor value, double bound)
    {
        using Scalar kept = bound;
        return value.clamp_min(kept);
    }

    /// <summary>The smaller of value and bound.</summary>
    public static Tensor NoMoreThan(this Tensor value, double bound)
    {
        using Scalar kept = bound;
        return value.clamp_max(kept);
    }

    /// <summary>The value, but no less than one bound and no more than another.</summary>
    public static Tensor Between(this Tensor value, double least, double most)
    {
        using Scalar low = least, high = most;
        return value.clamp(low, high);
    }

    /// <summary>A number where the mask is, the value elsewhere.</summary>
    public static Tensor FilledWhere(this Tensor value, Tensor mask, double number)
    {
        using Scalar kept = number;
        return value.masked_fill(mask, kept);
    }

    /// <summary><c>value / divisor</c>.</summary>
    public static Tensor Over(this Tensor value, double divisor)
    {
        using Scalar kept = divisor;
        return value.div(kept);
    }

    /// <summary>Where <c>value >= bound</c>.</summary>
    public static Tensor IsAtLeast(this Tensor value, double bound)
    {
        using Scalar kept = bound;
        return value.ge(kept);
    }
}
