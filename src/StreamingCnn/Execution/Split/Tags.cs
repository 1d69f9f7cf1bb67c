namespace StreamingCnn.Execution.Split;

/// <summary>Kinds of messages between processes that share an image: far from those that a program is likely to send besides.</summary>
internal static class Tags
{
    /// <summary>What a row of tiles leaves for the stripes to its right.</summary>
    public const int Strips = 30_001;

    /// <summary>Gradients of that, on their way home.</summary>
    public const int StripGradients = 30_002;

    /// <summary>Gradients of a map that waits between stages.</summary>
    public const int MapGradients = 30_003;

    /// <summary>Rectangles of a stage's first output for those who read them in a later stage; other outputs' follow.</summary>
    public const int Maps = 30_010;
}
