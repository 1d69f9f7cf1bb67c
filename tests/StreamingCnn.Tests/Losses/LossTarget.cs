namespace StreamingCnn.Tests.Losses;

/// <summary>What a loss takes for a target.</summary>
internal enum LossTarget
{
    /// <summary>Class indices, some of them ignored.</summary>
    Classes,

    /// <summary>Zeros and ones.</summary>
    ZeroOrOne,

    /// <summary>Zeros and ones, some of them ignored.</summary>
    ZeroOneOrIgnored,

    /// <summary>Numbers between.</summary>
    Probabilities,

    /// <summary>Any numbers.</summary>
    Numbers,

    /// <summary>Any numbers, some of them missing.</summary>
    NumbersOrMissing,
}
