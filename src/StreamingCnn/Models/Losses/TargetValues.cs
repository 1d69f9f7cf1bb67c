namespace StreamingCnn.Models;

/// <summary>What a loss takes for a target.</summary>
internal enum TargetValues
{
    /// <summary>One channel of class indices from 0.</summary>
    Classes,

    /// <summary>0 or 1 for each channel of the output.</summary>
    ZeroOrOne,

    /// <summary>Between 0 and 1, for each channel of the output.</summary>
    Probabilities,

    /// <summary>Any number for each channel of the output.</summary>
    Numbers,
}
