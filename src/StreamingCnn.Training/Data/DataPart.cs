namespace StreamingCnn.Training.Data;

/// <summary>The parts that data are divided into, by what data sets call them.</summary>
internal static class DataPart
{
    public const string Training = "train";
    public const string Validation = "validation";
    public const string Test = "test";

    private static readonly string[] NamesOfValidation = ["val", "valid", Validation];

    /// <summary>Whether the name is that of a part, upper and lower case being the same.</summary>
    public static bool IsKnown(string name) =>
        name.ToLowerInvariant() is Training or Test || NamesOfValidation.Contains(name.ToLowerInvariant());

    /// <summary>The part that a name means. An image without a part is there to be learned from.</summary>
    public static string Of(string? name) => name?.ToLowerInvariant() switch
    {
        Test => Test,
        { } part when NamesOfValidation.Contains(part) => Validation,
        _ => Training,
    };
}
