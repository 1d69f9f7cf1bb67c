namespace StreamingCnn.Training.Data;

/// <summary>Which numbers maps have at each pixel, as a person says it.</summary>
public sealed record MapNumbers
{
    /// <summary>Names of the numbers, in the order of the channels of maps.</summary>
    /// <value>
    /// The default value is none: the names that files give their bands, or <c>value</c>, and <c>value 1</c> and so on of several.
    /// </value>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Values of pixels that have no number, besides NaN and what files declare.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<long> Missing { get; init; } = [];
}
