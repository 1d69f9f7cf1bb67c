namespace StreamingCnn.Geometry;

/// <summary>
/// Interpolation along one axis to any length between the inputs around each output's position, with pixel centres aligned
/// (<c>align_corners = false</c>) or corner pixels aligned (<c>true</c>), as PyTorch defines them.
/// </summary>
public abstract class InterpolatedResize : AxisMap
{
    private readonly bool alignCorners;
    private readonly long reach;

    /// <summary>Creates the map.</summary>
    /// <param name="length">Inputs.</param>
    /// <param name="resized">Outputs.</param>
    /// <param name="alignCorners">Whether corner pixels are aligned instead of pixel centres.</param>
    /// <param name="reach">How many inputs behind an output's position are read; as many are at it and in front of it.</param>
    private protected InterpolatedResize(long length, long resized, bool alignCorners, long reach)
        : base(length, resized)
    {
        this.alignCorners = alignCorners;
        this.reach = reach;
    }

    /// <summary>Whether all outputs are the first input: with a single input or output there are no two corners to align.</summary>
    private protected bool IsConstant => alignCorners && (InputLength == 1 || OutputLength == 1);

    /// <inheritdoc/>
    public override long VirtualCut(long input)
    {
        if (IsConstant)
            return input >= 1 ? OutputLength * input : Math.Min(0, input);
        return alignCorners
            ? Division.Ceiling((input - reach) * (OutputLength - 1), InputLength - 1)
            : Division.Ceiling((OutputLength * ((2 * (input - reach)) + 1)) - InputLength, 2 * InputLength);
    }

    /// <inheritdoc/>
    public override long Required(long output)
    {
        if (IsConstant)
            return output <= 0 ? output : Division.Ceiling(output, OutputLength);
        return alignCorners
            ? Division.Floor((output - 1) * (InputLength - 1), OutputLength - 1) + 1 + reach
            : Division.Ceiling(Division.Floor(InputLength * ((2 * output) - 1), OutputLength) + (2 * reach), 2);
    }

    /// <summary>An output's position among the inputs as a fraction: <c>o (n - 1) / (N - 1)</c>, or <c>(o + 1/2) n / N - 1/2</c>.</summary>
    private protected (long Numerator, long Denominator) Position(long output) => alignCorners
        ? (output * (InputLength - 1), OutputLength - 1)
        : ((((2 * output) + 1) * InputLength) - OutputLength, 2 * OutputLength);
}
