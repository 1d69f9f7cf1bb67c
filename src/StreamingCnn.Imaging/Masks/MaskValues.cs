namespace StreamingCnn.Imaging.Masks;

/// <summary>What the values of a mask mean: which class each is, and which do not count.</summary>
public sealed class MaskValues
{
    /// <summary>The class of pixels that do not count, as PyTorch has it.</summary>
    public const short Ignored = -100;

    /// <summary>A number that is no class.</summary>
    internal const short Unknown = short.MinValue;

    private const int TableLength = 1 << 16;

    private readonly short[] table = new short[TableLength];
    private readonly Dictionary<double, short> others = [];

    /// <summary>Creates the meaning.</summary>
    /// <param name="classes">The value of each class, in the order of the classes.</param>
    /// <param name="ignored">Values of pixels that do not count.</param>
    /// <exception cref="ArgumentException">A value has two meanings.</exception>
    public MaskValues(IReadOnlyList<long> classes, IReadOnlyList<long>? ignored = null)
    {
        ArgumentNullException.ThrowIfNull(classes);
        (Classes, IgnoredValues) = (classes, ignored ?? []);
        Array.Fill(table, Unknown);
        foreach (var (place, value) in classes.Index())
            Add(value, (short)place);
        foreach (var value in IgnoredValues)
            Add(value, Ignored);
    }

    /// <summary>The value of each class.</summary>
    public IReadOnlyList<long> Classes { get; }

    /// <summary>Values of pixels that do not count.</summary>
    public IReadOnlyList<long> IgnoredValues { get; }

    /// <summary>Names of the classes, which masks that are drawn have instead of values.</summary>
    /// <value>The default value is none: such masks cannot be read.</value>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>
    /// The middle share of each side of a drawn box that is of its class; see
    /// <see cref="Drawn.DrawnMask.Read(string, ImageInfo, double?)"/>.
    /// </summary>
    /// <value>The default value is null: whole boxes.</value>
    public double? BoxCore { get; init; }

    /// <summary>Whether what no shape of a drawn mask covers does not count; else it is of the first class.</summary>
    /// <value>The default value is false.</value>
    public bool IgnoresUnlabelled { get; init; }

    /// <summary>The class of a value, <see cref="Ignored"/>, or <see cref="Unknown"/>.</summary>
    internal short Of(double value) =>
        value is >= 0 and < TableLength && value == (int)value ? table[(int)value] : others.GetValueOrDefault(value, Unknown);

    private void Add(long value, short meaning)
    {
        if (Of(value) != Unknown)
            throw new ArgumentException($"The mask value {value} is given two meanings; give each value one, a class or to be ignored.");
        if (value is >= 0 and < TableLength)
            table[value] = meaning;
        else
            others[value] = meaning;
    }
}
