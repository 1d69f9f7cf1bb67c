namespace StreamingCnn.Onnx.Import;

/// <summary>
/// A whole number that shapes are made of: a factor times sides of maps that are not known before there is an image, and the value that
/// it has for the size that the file states.
/// </summary>
/// <param name="Factor">The factor.</param>
/// <param name="Sides">Names of the sides, sorted and joined; empty where the number is the factor.</param>
/// <param name="InFile">The value for the file's own size; null where the file leaves the size open.</param>
internal readonly record struct Number(long Factor, string Sides, long? InFile)
{
    private const char Join = '*';

    /// <summary>The number of images.</summary>
    public const string Batch = "N";

    /// <summary>A number that is known.</summary>
    public static implicit operator Number(long value) => new(value, "", value);

    /// <summary>A side of a map, or the number of images.</summary>
    public static Number Of(string side, long? inFile) => new(1, side, inFile);

    /// <summary>Whether it is the same for any image.</summary>
    public bool IsKnown => Sides.Length == 0;

    /// <summary>The product.</summary>
    public static Number operator *(Number a, Number b) => new(
        a.Factor * b.Factor,
        string.Join(Join, a.Sides.Split(Join, StringSplitOptions.RemoveEmptyEntries)
            .Concat(b.Sides.Split(Join, StringSplitOptions.RemoveEmptyEntries)).Order(StringComparer.Ordinal)),
        a.InFile * b.InFile);

    /// <summary>The quotient rounded down, where it can be said; null where it cannot.</summary>
    public Number? Over(Number divisor)
    {
        if (divisor.Factor == 0 || !divisor.IsKnown)
            return this == divisor && Factor != 0 ? 1 : null;
        if (IsKnown)
            return (Number)(long)Math.Floor((double)Factor / divisor.Factor);
        return Factor % divisor.Factor == 0 ? new(Factor / divisor.Factor, Sides, InFile / divisor.Factor) : null;
    }

    /// <summary>
    /// Whether two numbers are the same: for any image, or for the file's size, where one of them is what that size has become in the
    /// file.
    /// </summary>
    public bool Agrees(Number other) =>
        (Factor == other.Factor && Sides == other.Sides)
        || ((IsKnown || other.IsKnown) && InFile is { } own && own == other.InFile);

    /// <inheritdoc/>
    public override string ToString() => IsKnown ? $"{Factor}" : Factor == 1 ? Sides : $"{Factor}{Join}{Sides}";
}
